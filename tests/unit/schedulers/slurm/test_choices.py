"""After a refusal, the field to change and the values that Slurm would take."""

from __future__ import annotations

import pytest

from hsm_core.errors import BackendError
from hsm_core.hosts.interface import Done
from hsm_core.schedulers.slurm.choices import explained
from hsm_core.schedulers.slurm.commands import Commands
from hsm_core.testing.recording import RecordingHost

#: Two partitions: the default one of two kinds of nodes, another with GPUs.
SINFO = {
    "sinfo -h -a -o %P %a": "old down\nbig up\ndebug* up\n",
    "sinfo -h -o %f": "avx,ib\n(null)\navx\n",
    "sinfo -h -o %P %l": "debug* 1:00:00\nbig 2-00:00:00\n",
    "sinfo -h -o %P %m": "debug* 4000+\ndebug* 8192\nbig 64000\n",
    "sinfo -h -o %P %c": "debug* 4\ndebug* 8+\nbig 32\n",
    "sinfo -h -o %P %G": "debug* (null)\nbig gpu:a100:4(S:0-1)\n",
    "sinfo -h -o %P %D": "debug* 2\ndebug* 1\nbig 10\n",
    "sacctmgr -nP show assoc user=ann format=account": "physics\nphysics\nchem\n",
    "sacctmgr -nP show assoc user=ann format=qos": "normal,long\n\nlong\n",
}
NODES = "Requested node configuration is not available"


def after(field: str, script: str = "", problem: str = "refused") -> tuple[str, tuple[str, ...]]:
    error = BackendError(problem, field=field)
    assert explained(error, script, Commands(RecordingHost(dict(SINFO)))) is error
    return error.field, tuple(error.choices)


@pytest.mark.parametrize(
    ("field", "choices"),
    [
        ("partition", ("debug", "big", "old")),  # the default one first, those that are down last
        ("account", ("physics", "chem")),
        ("qos", ("normal", "long")),
        ("constraint", ("avx", "ib")),
    ],
)
def test_names_are_those_that_there_are(field: str, choices: tuple[str, ...]) -> None:
    assert after(field) == (field, choices)


def test_where_no_node_has_a_feature_none_is_asked_for() -> None:
    error = BackendError("refused", field="constraint")
    explained(error, "", Commands(RecordingHost({"sinfo": "(null)\n"})))
    assert error.choices == ("null",)


@pytest.mark.parametrize(
    ("script", "choices"),
    [
        ("#SBATCH --time=90", ("60",)),
        ("#SBATCH --time=90\n#SBATCH --partition=big", ()),  # it takes that: something else is wrong
        ("#SBATCH --time=5-00:00:00\n#SBATCH --partition=big", ("2880",)),
        ("#SBATCH --time=90\n#SBATCH --partition=debug,big", ()),
    ],
)
def test_the_longest_walltime_is_that_of_the_jobs_partition(script: str, choices: tuple[str, ...]) -> None:
    assert after("walltime", script) == ("walltime", choices)


@pytest.mark.parametrize(
    ("script", "field", "choices"),
    [
        ("#SBATCH --mem=9000", "mem_gb", ("8",)),
        ("#SBATCH --mem=9G", "mem_gb", ("8",)),
        ("#SBATCH --mem=8G\n#SBATCH --cpus-per-task=9", "cpus_per_task", ("8",)),
        ("#SBATCH --gpus-per-node=1", "gpus_per_node", ("0",)),
        ("#SBATCH --partition=big\n#SBATCH --gres=gpu:8", "gpus_per_node", ("4",)),
        ("#SBATCH --nodes=4", "nodes", ("3",)),
        ("#SBATCH --partition=big\n#SBATCH --nodes=4", "", ()),
    ],
)
def test_of_nodes_that_are_too_small_the_first_thing_that_is_above_them_is_named(
    script: str, field: str, choices: tuple[str, ...]
) -> None:
    assert after("", script, NODES) == (field, choices)


def test_other_refusals_stay_as_they_are() -> None:
    assert after("nodes", "#SBATCH --nodes=4") == ("nodes", ())


def test_a_slurm_that_does_not_answer_hides_no_refusal() -> None:
    error = BackendError("refused", field="partition")
    commands = Commands(RecordingHost({"sinfo": Done((), 1, "", "slurm_load_partitions: Unable to contact")}))
    assert explained(error, "", commands) is error
    assert error.choices == ()

"""From what a user asks for to the lines that sbatch reads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import submitit

from hsm_core.errors import ConfigError
from hsm_core.schedulers.batch_system import WorkerStart
from hsm_core.schedulers.interface import Script
from hsm_core.schedulers.slurm.dialect import submit_command
from hsm_core.schedulers.slurm.jobs import SlurmJobs
from hsm_core.schedulers.slurm.script import place_of, script_text
from hsm_core.schedulers.slurm.settings import SlurmResources

COMMAND = "exec /opt/python -m worker 'a b'"


def head(resources: SlurmResources, ranks: bool = False) -> list[str]:
    lines = script_text(resources, COMMAND, setup=[], ranks=ranks).split("\n")
    return [line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH ")]


@pytest.mark.parametrize(
    ("resources", "lines"),
    [
        (SlurmResources(), []),
        (SlurmResources(walltime_min=240), ["--signal=B:USR2@120", "--time=240"]),
        (SlurmResources(walltime_min=240, signal_delay_s=300), ["--signal=B:USR2@300", "--time=240"]),
        (SlurmResources(walltime_min=1), ["--signal=B:USR2@30", "--time=1"]),
        (SlurmResources(signal_delay_s=60), []),
        (SlurmResources(mem_gb=4), ["--mem=4GB"]),
        (SlurmResources(mem_gb=1.5), ["--mem=1536MB"]),
        (SlurmResources(mem_per_cpu="2G"), ["--mem-per-cpu=2G"]),
        (SlurmResources(mem_per_gpu="16G", gpus_per_node=1), ["--gpus-per-node=1", "--mem-per-gpu=16G"]),
        (SlurmResources(cpus_per_gpu=4, gpus_per_node=2), ["--cpus-per-gpu=4", "--gpus-per-node=2"]),
        (
            SlurmResources(gpus_per_task=1, cpus_per_task=8),
            ["--cpus-per-task=8", "--gpus-per-task=1", "--nodes=1", "--ntasks-per-node=1"],
        ),
        (SlurmResources(nodes=2, tasks_per_node=4), ["--nodes=2", "--ntasks-per-node=4"]),
        (
            SlurmResources(queue="gpu", qos="long", account="lab"),
            ["--account=lab", "--partition=gpu", "--qos=long"],
        ),
        (SlurmResources(constraint="a|b", exclude="n1,n2"), ["--constraint='a|b'", "--exclude=n1,n2"]),
        (SlurmResources(gres="gpu:a100:1", comment="mine"), ["--comment=mine", "--gres=gpu:a100:1"]),
        (SlurmResources(mail_user="me@lab", mail_type="END"), ["--mail-type=END", "--mail-user=me@lab"]),
        (SlurmResources(priority="10"), ["--priority=10"]),
        (
            SlurmResources(additional_parameters={"mem_bind": "local", "exclusive": True, "hint": None}),
            ["--exclusive", "--mem-bind=local"],
        ),
        (SlurmResources(raw="--nodes=1 --gres=gpu:1"), ["--nodes=1", "--gres=gpu:1"]),
        (SlurmResources(raw="-N 1 --gres gpu:1 -Clarge"), ["-N 1", "--gres gpu:1", "-Clarge"]),
        (SlurmResources(raw="--constraint='a|b' -C 'c d'"), ["--constraint='a|b'", "-C 'c d'"]),
        (SlurmResources(raw="-t 60"), ["--signal=B:USR2@120", "-t 60"]),
        (SlurmResources(raw="--time=1"), ["--signal=B:USR2@30", "--time=1"]),
        (SlurmResources(raw="-t1:20"), ["--signal=B:USR2@40", "-t1:20"]),
        (SlurmResources(raw="--time 0:01:00"), ["--signal=B:USR2@30", "--time 0:01:00"]),
        (SlurmResources(raw="--time=0-1"), ["--signal=B:USR2@120", "--time=0-1"]),
        (SlurmResources(raw="--time=0-0:2"), ["--signal=B:USR2@60", "--time=0-0:2"]),
        (SlurmResources(raw="--time=UNLIMITED"), ["--signal=B:USR2@120", "--time=UNLIMITED"]),
        (SlurmResources(raw="--time=0"), ["--signal=B:USR2@120", "--time=0"]),
        (SlurmResources(walltime_min=60, raw="-t 1"), ["--signal=B:USR2@30", "--time=60", "-t 1"]),
        (SlurmResources(walltime_min=1, raw="-t 60"), ["--signal=B:USR2@120", "--time=1", "-t 60"]),
        (SlurmResources(additional_parameters={"time": 1}), ["--signal=B:USR2@30", "--time=1"]),
        (SlurmResources(directives=("--nice=5 -t 1",)), ["--signal=B:USR2@30", "--nice=5 -t 1"]),
        (
            SlurmResources(additional_parameters={"time": 1, "signal": "USR1@5"}),
            ["--signal=USR1@5", "--time=1"],
        ),
        (SlurmResources(cpus_per_task=2, additional_parameters={"cpus_per_task": 4}), ["--cpus-per-task=4"]),
        (SlurmResources(additional_parameters={"requeue": False}), ["--no-requeue"]),
        (SlurmResources(additional_parameters={"requeue": True}), ["--requeue"]),
        (SlurmResources(directives=("#SBATCH --hint=x", "--nice=5")), ["--hint=x", "--nice=5"]),
        (SlurmResources(directives=("# a note", "##SBATCH --mem=4G", " ", "#SBATCH", " #SBATCH -N1")), ["-N1"]),
        (SlurmResources(comment="a\\b"), [r"--comment='a\\b'"]),
        (SlurmResources(raw=r"--comment='a\b'"), [r"--comment='a\\b'"]),
        (SlurmResources(directives=(r"--comment='a\\b'",)), [r"--comment='a\\b'"]),
        (SlurmResources(stderr_to_stdout=True, srun_args=("--label",)), []),
    ],
    ids=str,
)
def test_what_is_asked_for_becomes_these_lines(resources: SlurmResources, lines: list[str]) -> None:
    assert head(resources) == lines


def test_the_script_ends_with_the_command() -> None:
    text = script_text(SlurmResources(), COMMAND, setup=["module load cuda", "set -e"], ranks=False)
    assert text.startswith("#!/bin/bash\n")
    lines = [line for line in text.split("\n") if line and not line.startswith("#")]
    assert lines == ["module load cuda", "set -e", "export SUBMITIT_EXECUTOR=slurm", COMMAND]


def test_ranks_are_started_by_srun() -> None:
    asked = SlurmResources(nodes=2, tasks_per_node=2, cpus_per_task=3, walltime_min=60, srun_args=("--label",))
    text = script_text(asked, "python -m worker", setup=[], ranks=True)
    srun = "srun --unbuffered --kill-on-bad-exit=0 --cpus-per-task=3 --label python -m worker"
    assert text.rstrip().split("\n")[-1] == srun
    assert "#SBATCH --signal=USR2@120\n" in text


def test_an_option_that_submitit_does_not_know_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(executor: submitit.SlurmExecutor, **parameters: object) -> None:
        raise ValueError(f"Unavailable parameter(s): {sorted(parameters)}")

    monkeypatch.setattr(submitit.SlurmExecutor, "update_parameters", refuse)
    with pytest.raises(ConfigError, match=r"submitit does not know(?s:.*)\['qos'\]"):
        script_text(SlurmResources(qos="long"), COMMAND, setup=[], ranks=False)


def test_no_script_writes_where_submitit_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for ranks in (False, True):
        text = script_text(SlurmResources(), COMMAND, setup=[], ranks=ranks)
        assert str(tmp_path) not in text
        assert "_log" not in text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        (SlurmResources(mem_gb=4, mem_per_cpu="1G"), "mem_gb and mem_per_cpu exclude each other"),
        (SlurmResources(mem_per_cpu="1G", mem_per_gpu="1G"), "mem_per_cpu and mem_per_gpu"),
        (SlurmResources(raw="select=1:ncpus=4"), "sbatch has no option 'select=1:ncpus=4'"),
        (SlurmResources(raw="--nodes=1 2"), "sbatch has no option '2'"),
        (SlurmResources(raw="--gres='gpu"), "can't be read"),
        (SlurmResources(raw="--array=0-3"), "--array can't be set"),
        (SlurmResources(raw="-a0-3"), "-a can't be set"),
        (SlurmResources(directives=("#SBATCH   --wait",)), "--wait can't be set"),
        (SlurmResources(additional_parameters={"array": "0-3"}), "--array can't be set"),
        (SlurmResources(directives=("--nice=5 --array=0-3",)), "--array can't be set"),
        (SlurmResources(directives=("--hint='x",)), "can't be read"),
        (SlurmResources(raw="--chdir=/data"), "--chdir can't be set(?s:.*)cd /data && python"),
        (SlurmResources(raw="-D /data"), "-D can't be set"),
        (SlurmResources(directives=("-D/data",)), "-D can't be set"),
        (SlurmResources(additional_parameters={"chdir": "/data"}), "--chdir can't be set"),
        (
            SlurmResources(additional_parameters={"exclusive": False}),
            "additional_parameters: exclusive=false",
        ),
        (SlurmResources(raw="-J mine"), r"-J can't be set(?s:.*)hydra.launcher.name="),
        (SlurmResources(directives=("--output=/data/x",)), r"--output can't be set(?s:.*)hsm logs"),
        (SlurmResources(additional_parameters={"error": "x"}), r"--error can't be set"),
        (SlurmResources(additional_parameters={"output": "x"}), r"--output can't be set(?s:.*)hsm logs"),
        (SlurmResources(additional_parameters={"reservation": ["a", "b"]}), r"reservation=\['a', 'b'\] can't"),
        (SlurmResources(comment="a\n#SBATCH --array=0-3"), "can't contain line breaks"),
        (SlurmResources(additional_parameters={"comment": "a\nb"}), "can't contain line breaks"),
        (SlurmResources(directives=("--nice=1\ntouch /tmp/x",)), "can't contain line breaks"),
    ],
    ids=str,
)
def test_what_cannot_be_said_to_slurm_is_refused(resources: SlurmResources, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        script_text(resources, COMMAND, setup=[], ranks=False)


@pytest.mark.parametrize(
    ("resources", "place"),
    [
        (SlurmResources(), (None, None, "night")),
        (SlurmResources(queue="gpu", account="lab", qos="long"), ("gpu", "lab", "long")),
        (SlurmResources(raw="-A lab --partition gpu"), ("gpu", "lab", "night")),
        (SlurmResources(account="lab", raw="-A other -qlong"), (None, "other", "long")),
        (SlurmResources(raw="-A other", directives=("#SBATCH --account=third",)), (None, "third", "night")),
        (SlurmResources(additional_parameters={"account": "my lab"}), (None, "my lab", "night")),
    ],
    ids=str,
)
def test_where_a_job_goes_is_known_wherever_it_is_said(
    resources: SlurmResources, place: tuple[str | None, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SBATCH_QOS", "night")
    assert place_of(resources) == place


@pytest.mark.parametrize("comment", ["it's # so", '"quoted" $HOME `x`', "back\\slash ü"])
def test_a_value_is_data_to_the_shell_too(comment: str) -> None:
    text = script_text(SlurmResources(comment=comment), "echo done", setup=[], ranks=False)
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("done\n", "")


def script(cwd: str = "/data/my sweep", size: int | None = None, throttle: int | None = None) -> Script:
    return Script(Path(cwd, "job.sh"), Path(cwd), "slug-ABCD2345", size, throttle)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (script(), ["--output=slurm-%j.log", "--open-mode=append"]),
        (script(size=1), ["--output=slurm-%A_%a.log", "--open-mode=append", "--array=0-0"]),
        (script(size=8, throttle=3), ["--output=slurm-%A_%a.log", "--open-mode=append", "--array=0-7%3"]),
        (script("/data/50%"), ["--output=/data/50%%/slurm-%j.log", "--open-mode=append"]),
        (script("/data/a\\b"), ["--output=/dev/null", "--open-mode=append"]),
    ],
)
def test_the_command_that_submits(asked: Script, words: list[str]) -> None:
    argv = submit_command(asked)
    assert argv[:3] == ["sbatch", "--parsable", "--job-name=slug-ABCD2345"]
    assert argv[3:] == [*words, str(asked.path)]


def test_a_line_end_in_a_path_is_carried_in_one_line(tmp_path: Path) -> None:
    cwd = tmp_path / "a\n#SBATCH --array=0-9\ntouch pwned\nb"
    cwd.mkdir()
    start = WorkerStart("t", None, None, ("echo",), str(cwd / "s"), (), cwd, cwd, cwd)
    text = SlurmJobs().text(SlurmResources(), start)
    assert not [line for line in text.splitlines() if line.startswith(("touch", "#SBATCH --array"))]
    done = subprocess.run(
        ["bash", "-c", text], env={"SLURM_JOB_ID": "1", "PATH": "/usr/bin:/bin"}, cwd="/", capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert f"slurm-1-0 {cwd}/s --batch=0" in done.stdout

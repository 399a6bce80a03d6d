"""Tasks of several ranks on PBS, started by what the user names: they meet, and fail together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.store.files import read_json
from hsm_core.store.layout import TaskPaths
from tests.integration.pbs_sweeping import PbsApp, pbs_app
from tests.services.pbs.pbs import Pbs

pytestmark = pytest.mark.pbs

#: Starts so many processes with what MPICH's mpiexec sets for each.
MPIEXEC = """#!/bin/sh
n=$2; shift 2
for rank in $(seq 0 $((n - 1))); do PMI_RANK=$rank MPI_LOCALRANKID=$((rank % 2)) "$@" & pids="$pids $!"; done
code=0
for pid in $pids; do wait $pid || code=1; done
exit $code
"""
#: Starts one process for each core, as pbsdsh does; their environment is nearly empty, and none has a number.
PBSDSH = """#!/bin/sh
shift
for core in 0 1 2 3; do env -i "PBS_JOBID=$PBS_JOBID" HOSTNAME=here "PATH=/usr/bin:/bin" "$@" & pids="$pids $!"; done
code=0
for pid in $pids; do wait $pid || code=1; done
exit $code
"""
MEETS = """    import json
    ranks = int(os.environ["WORLD_SIZE"])
    names = ("RANK", "LOCAL_RANK", "HSM_RANK", "MINE")
    with open(f"{cfg.witness}-{os.environ['RANK']}-{cfg.x}.tmp", "w") as stream:
        json.dump({name: os.environ[name] for name in names}, stream)
    os.replace(stream.name, stream.name[:-4])
    while not all(os.path.exists(f"{cfg.witness}-{rank}-{cfg.x}") for rank in range(ranks)):
        time.sleep(0.02)
"""


@pytest.fixture
def app(pbs: Pbs, weird_tmp_path: Path) -> Iterator[PbsApp]:
    with pbs_app(weird_tmp_path, pbs, "hydra.launcher.nodes=1", "hydra.launcher.tasks_per_node=2") as app:
        source = app.folder / "app.py"
        checks = "    if cfg.x in cfg.bad:\n"
        source.write_text(source.read_text().replace(checks, MEETS + checks))
        yield app


def starter(app: PbsApp, name: str, text: str) -> list[str]:
    """Fields that put a starter of ranks on the jobs' PATH."""
    tool = app.server.base / "tools" / name
    tool.parent.mkdir(exist_ok=True)
    tool.write_text(text)
    tool.chmod(0o755)
    setup = f"export PATH={tool.parent}:$PATH MINE='a b'"
    return [f"hydra.launcher.ranks_by={name}", f"hydra.launcher.setup=[{json.dumps(setup)}]"]


@pytest.mark.parametrize(("name", "text"), [("mpiexec", MPIEXEC), ("pbsdsh", PBSDSH)])
def test_the_ranks_of_a_task_meet(app: PbsApp, name: str, text: str) -> None:
    done = app.run("x=5,6", *starter(app, name, text))
    assert done.returncode == 0, done.stderr
    assert app.states() == {"completed": 2}
    for task in range(2):
        assert read_json(TaskPaths(app.sweep / str(task)).outcome)["value"] == {"score": (5 + task) / 2}
        found = [json.loads((app.folder / f"witness-{rank}-{5 + task}").read_text()) for rank in (0, 1)]
        assert [one["RANK"] for one in found] == [one["HSM_RANK"] for one in found] == ["0", "1"]
        assert sorted(one["LOCAL_RANK"] for one in found) == ["0", "1"]
        assert {one["MINE"] for one in found} == {"a b"}
    assert "mpiprocs=2" in (app.sweep / ".hsm" / "launch-0" / "submit-0" / "script.sh").read_text()


@pytest.mark.slow
def test_a_rank_that_raises_fails_its_task_only(app: PbsApp) -> None:
    done = app.run("x=5,6", "bad=[6]", *starter(app, "mpiexec", MPIEXEC))
    assert done.returncode == 3
    assert app.reasons() == [("completed", ""), ("failed", "exception")]

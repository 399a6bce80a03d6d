"""A Hydra sweep over a real Grid Engine by a third party's package, as its users run one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.queue_sweeping import QueueApp, finish
from tests.services.cluster import Cluster
from tests.waiting import wait_until

pytestmark = pytest.mark.gridengine

LAUNCHER = ("hydra/launcher=hsm_gridengine", "hydra.launcher.walltime=10min", "hydra.launcher.project=proj")


@pytest.fixture
def app(gridengine: Cluster, weird_tmp_path: Path) -> Iterator[QueueApp]:
    app = QueueApp(weird_tmp_path, LAUNCHER)
    yield app
    app.end()
    subprocess.run(["qdel", "-u", "root"], capture_output=True, check=False, timeout=60)


def test_six_tasks_one_of_which_fails_are_resumed(app: QueueApp) -> None:
    done = app.run("x=0,1,2,3,4,5", "bad=[3]")
    assert done.returncode == 3, done.stdout + done.stderr
    assert app.states() == {"completed": 5, "failed": 1}
    (array,) = app.handed()
    assert app.native_ids() == [f"{array}.{number}" for number in range(1, 7)]
    told = app.hsm("errors", str(app.sweep)).stdout
    assert "bad x: 3" in told
    results = json.loads(app.hsm("results", str(app.sweep), "--json").stdout)
    assert "2.5" in json.dumps(results)
    shown = app.hsm("status", f"{array}.2")
    assert (shown.returncode, "5 completed" in shown.stdout) == (0, True), shown.stdout + shown.stderr
    assert "hsm_gridengine" in app.resume("--retry-failed", "--launcher", "hsm_gridengin").stderr
    again = app.resume("--retry-failed")
    assert again.returncode == 3, again.stdout + again.stderr
    assert [len(tries) for _, tries in sorted(app.intervals().items())] == [1, 1, 1, 2, 1, 1]
    assert len(app.handed()) == 2


def test_a_cancelled_sweep_leaves_the_queue_and_goes_on_when_it_is_resumed(app: QueueApp) -> None:
    launcher = app.start("x=0,1,2,3,4,5", "hydra.launcher.array_parallelism=2")
    app.wait_for_begun(2)
    queue = app.hsm("queue").stdout
    assert "Grid Engine" in queue
    assert queue.count("waiting") >= 4 or queue.count("qw") >= 4, queue
    cancelled = app.hsm("cancel", str(app.sweep), "--yes")
    assert cancelled.returncode == 0, cancelled.stdout + cancelled.stderr
    code, _, err = finish(launcher)
    assert code != 0, err
    assert app.states() == {"cancelled": 6}
    qstat = ["qstat"]
    wait_until(lambda: not subprocess.run(qstat, capture_output=True, check=True).stdout, 120, "an empty queue")
    app.open_gate()
    resumed = app.resume()
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert app.states() == {"completed": 6}


def test_a_detached_sweep_goes_on_by_itself_and_its_log_is_found(app: QueueApp) -> None:
    app.open_gate()
    done = app.run("x=0,1", "hydra.launcher.detach=true", "hydra.launcher.setup=[\"exit 7\"]", gate=True)
    assert done.returncode == 0, done.stdout + done.stderr
    wait_until(lambda: app.hsm("wait", str(app.sweep)).returncode != 0, what="its end")
    told = app.hsm("errors", str(app.sweep)).stdout
    assert "a set-up line ended the job (exit code 7): exit 7" in told


def test_a_job_asks_for_what_the_fields_say(app: QueueApp) -> None:
    fields = ("hydra.launcher.cpus_per_task=2", "hydra.launcher.mem_gb=1", "hydra.launcher.queue=short.q")
    done = app.run("x=0,1", *fields, "hydra.launcher.dry_run=true")
    lines = done.stdout.splitlines()
    for line in ("#$ -l h_rt=600", "#$ -l h_vmem=512M", "#$ -pe smp 2", "#$ -q short.q", "#$ -P proj"):
        assert line in lines, done.stdout + done.stderr
    by_task = ("hydra.launcher.gpus_per_node=1", "hydra.launcher.gpu_resource=gpu_${x}")
    done = app.run("x=0,1", *by_task, "hydra.launcher.dry_run=true")
    assert {"#$ -l gpu_0=1", "#$ -l gpu_1=1"} <= {*done.stdout.splitlines()}, done.stdout + done.stderr


def test_its_own_fields_are_known_and_hsms_others_are_told_to_mean_nothing(app: QueueApp) -> None:
    wrong = app.run("x=0,1", "+hydra.launcher.parallel_enviroment=mpi")
    assert "'parallel_enviroment'" in wrong.stderr
    assert "parallel_environment=mpi" in wrong.stderr
    for field, meant in {"parallel_environment=[1]": "text", "cpus_per_task=x": "a whole number, or null"}.items():
        assert f"hydra.launcher.{field} must be {meant}" in app.run(f"hydra.launcher.{field}", "x=0,1").stderr
    done = app.run("x=0,1", "hydra.launcher.parallel_environment=mpi", "hydra.launcher.place=scatter")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "this launcher ignores place" in done.stdout + done.stderr


def test_hsm_hpc_finds_it(app: QueueApp) -> None:
    done = app.run("hydra/launcher=hsm_hpc", "x=0,1", "hydra.launcher.dry_run=true")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hsm_hpc uses Grid Engine here" in done.stdout + done.stderr
    assert "$ qsub -terse" in done.stdout
    told = app.hsm("doctor").stdout
    assert "Grid Engine" in told
    assert "all.q, off.q, one.q, short.q" in told
    assert "✓ PBS: not here: " in told

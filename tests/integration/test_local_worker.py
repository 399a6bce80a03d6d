"""``hsm_local`` with a real Hydra app: what its worker owes to the tasks, and to the sweep when it dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.store.state.sweep_state import SweepState
from tests.integration.apps.worker_plain.harness import is_gone
from tests.integration.apps.worker_plain.openmp import openmp
from tests.waiting import wait_until

__all__ = ["openmp"]  # a fixture
ROOT = Path(__file__).resolve().parents[2]
APP = Path(__file__).parent / "apps" / "worker_hydra" / "train.py"


class Run:
    """A sweep that goes on while the test looks."""

    def __init__(self, folder: Path, *overrides: str, **env: str) -> None:
        self.root = folder / "sweep"
        argv = [sys.executable, str(APP), "-m", "hydra/launcher=hsm_local", f"hydra.sweep.dir={self.root}"]
        self.process = subprocess.Popen(
            [*argv, *overrides], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def end(self) -> tuple[int, str]:
        """Wait for its end: exit code and what it printed."""
        out, err = self.process.communicate(timeout=90)
        return self.process.returncode, out + err

    def state(self) -> SweepState:
        state = SweepState(self.root)
        state.refresh()
        return state

    def values(self) -> list[object]:
        """What the tasks returned."""
        files = sorted(self.root.glob("*/.hsm/outcome.json"), key=lambda path: int(path.parts[-3]))
        return [json.loads(path.read_text())["value"] for path in files]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    (tmp_path / "released").touch()


def test_forked_tasks_draw_numbers_of_their_own(folder: Path) -> None:
    run = Run(folder, "+do=numbers", "+x=0,1,2")
    assert run.end()[0] == 0
    python, numpy = zip(*run.values(), strict=True)  # type: ignore[arg-type]
    assert (len(set(python)), len(set(numpy))) == (3, 3)


@pytest.mark.slow
def test_an_app_that_seeds_at_import_keeps_its_numbers(folder: Path) -> None:
    run = Run(folder, "+do=numbers", "+x=0,1,2", SEED_AT_IMPORT="3")
    assert run.end()[0] == 0
    _, numpy = zip(*run.values(), strict=True)  # type: ignore[arg-type]
    assert set(numpy) == {0.5507979025745755}  # numpy.random.seed(3); numpy.random.random()


@pytest.mark.slow
def test_an_app_that_computes_while_it_is_imported(folder: Path, openmp: Path) -> None:
    run = Run(
        folder, "+do=threads", "+x=0,1,2", "hydra.launcher.slots=1", "hydra.launcher.cpus_per_task=2",
        "hydra.launcher.task_timeout_min=0.5", TEAM=str(openmp), MKL_NUM_THREADS="5",
    )  # fmt: skip
    code, text = run.end()
    assert code == 0, text
    assert run.values() == [[2, "2", "5"]] * 3


def test_a_killed_worker_is_replaced_and_nothing_of_it_lives_on(folder: Path) -> None:
    run = Run(folder, "+do=hang", "+x=0,1,2", "hydra.launcher.slots=1", "hydra.launcher.poll_interval_s=0.1")
    (mark,) = wait_until(lambda: list(folder.glob("hanging-*[0-9]")), what="a task with company")
    pids = [int(pid) for pid in mark.read_text().split()]
    (worker,) = (writer.identity for writer in run.state().workers())
    assert worker is not None
    (folder / "released").touch()
    os.kill(worker.pid, signal.SIGKILL)
    code, text = run.end()
    assert code == 3
    assert [is_gone(pid) for pid in pids] == [True, True, True]
    state = run.state()
    assert [state.state_of(number) for number in range(3)] == ["lost", "completed", "completed"]
    assert f"process {worker.pid} on" in state.evidence_of(0)
    assert len(list(state.workers())) == 2
    assert "a worker died; 2 tasks go to a new one" in text
    shown = subprocess.run(
        [sys.executable, "-m", "hsm_core.cli.status", str(run.root), "--json"], cwd=ROOT, text=True,
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    counts = json.loads(shown.stdout)
    assert '"lost": 1' in shown.stdout, counts
    assert "running" not in shown.stdout or '"running": 0' in shown.stdout

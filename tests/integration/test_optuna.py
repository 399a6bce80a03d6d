"""Optuna's sweeper over hsm_local: one study, many launches, one import of the app."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from hsm_core.store.files import read_json
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.tasks import TaskTable
from tests.integration.apps.comparing import APPS, python

pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")


def study(folder: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    shutil.copytree(APPS / "study", folder, dirs_exist_ok=True)
    asked = [
        "hydra/sweeper=optuna", "hydra/launcher=hsm_local", "hydra.launcher.slots=4", "hydra.sweep.dir=sweep",
        "hydra.sweeper.n_jobs=4", "hydra.sweeper.sampler.seed=1", "x=interval(-5,5)",
    ]  # fmt: skip
    return subprocess.run(
        [*python("study.py"), "-m", *asked, *overrides], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "IMPORT_LOG": str(folder / "imports")}, timeout=120, check=False,
    )  # fmt: skip


def trials(state: SweepState) -> Iterator[tuple[float, float | None]]:
    """What each task was asked, and what it returned if it completed."""
    for number, task in enumerate(TaskTable(state.paths)):
        files = state.task_directory(number)
        assert files is not None
        yield float(task.overrides[0].removeprefix("x=")), read_json(files.outcome).get("value")


def state_of(folder: Path) -> SweepState:
    state = SweepState(folder / "sweep")
    state.refresh()
    return state


def best(folder: Path) -> tuple[float, float]:
    """x and value of the best trial, as Optuna wrote them down."""
    found = OmegaConf.load(folder / "sweep" / "optimization_results.yaml")
    return found.best_params.x, found.best_value


def test_a_study_of_several_launches_imports_the_app_once(tmp_path: Path) -> None:
    done = study(tmp_path, "hydra.sweeper.n_trials=12")
    assert done.returncode == 0, done.stderr
    state = state_of(tmp_path)
    found = list(trials(state))
    assert len(found) == 12
    assert [value for _, value in found] == [(x - 2) ** 2 for x, _ in found]
    assert best(tmp_path) == min(found, key=lambda trial: trial[1] or 0)
    assert state.counts()["completed"] == 12
    assert len(list((tmp_path / "sweep" / ".hsm").glob("launch-*"))) == 3
    assert len(list(state.workers())) == 1
    assert len((tmp_path / "imports").read_text().splitlines()) == 2  # here, and in the worker


@pytest.mark.slow
def test_failing_trials_within_the_rate_that_optuna_allows(tmp_path: Path) -> None:
    done = study(tmp_path, "hydra.sweeper.n_trials=8", "fails_above=0", "hydra.sweeper.max_failure_rate=1.0")
    assert done.returncode == 0, done.stderr
    found = list(trials(state_of(tmp_path)))
    assert {x > 0 for x, _ in found} == {True, False}
    assert [value for _, value in found] == [None if x > 0 else (x - 2) ** 2 for x, _ in found]
    assert best(tmp_path) == min((value, x) for x, value in found if value is not None)[::-1]


def test_failing_trials_above_that_rate_end_the_study_with_their_exception(tmp_path: Path) -> None:
    done = study(tmp_path, "hydra.sweeper.n_trials=8", "fails_above=-10")
    assert done.returncode == 1
    assert "is too much" in done.stderr
    assert state_of(tmp_path).counts()["failed"] == 4


def test_a_study_cannot_be_detached(tmp_path: Path) -> None:
    done = study(tmp_path, "hydra.launcher.detach=true")
    assert done.returncode == 1
    assert "the sweeper 'optuna' may need its tasks' results" in done.stderr
    assert " hydra.launcher.detach=false" in done.stderr
    assert not list(tmp_path.glob("sweep/[0-9]*"))

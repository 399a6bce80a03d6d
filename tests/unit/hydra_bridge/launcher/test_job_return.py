"""What a sweeper may ask of a task that never began."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hsm_core.hydra_bridge.launcher.job_return import SweptJob
from hsm_core.hydra_bridge.task.config import task_config
from tests.unit.hydra_bridge.composing import composing


@pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning")
def test_a_task_without_a_directory_has_a_config(tmp_path: Path) -> None:
    state: Any = SimpleNamespace(state_of=lambda number: "lost", task_directory=lambda number: None)
    with composing(tmp_path) as (loader, master):
        job = SweptJob(
            state, 3, ("seed=5",), "app", lambda row, number: task_config(loader, master, row, number, str(number)),
            is_needed=False,
        )
        assert (job.cfg.seed, job.hydra_cfg.hydra.job.num, job.hydra_cfg.hydra.runtime.output_dir) == (5, 3, "")
        assert job.working_dir == str(Path.cwd())


@pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning")
@pytest.mark.parametrize(("inside", "told"), [("sweep/a/3", "sweep/a/3"), ("side/3", "")])
def test_a_working_directory_is_relative_where_the_sweeps_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    files = SimpleNamespace(root=tmp_path / inside)
    state: Any = SimpleNamespace(state_of=lambda number: "completed", task_directory=lambda number: files)
    words = ("hydra.job.chdir=true", "hydra.sweep.dir=sweep")
    with composing(tmp_path) as (loader, master):
        job = SweptJob(
            state, 3, (), "app", lambda row, number: task_config(loader, master, words, number, str(number)),
            is_needed=False,
        )
        assert job.working_dir == (told or str(files.root))

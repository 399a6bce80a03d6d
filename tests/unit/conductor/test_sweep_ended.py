"""When a directory's sweep gives way to another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.conductor.drivers import end_unheld
from hsm_core.conductor.sweep_ended import may_give_way
from hsm_core.errors import SweepExists
from hsm_core.model import Span
from hsm_core.store.record import begin_alone
from hsm_core.store.state.sweep_state import SweepState
from tests.unit.store.making import MadeSweep, complete, killed_process, start


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeSweep:
    """One task completed; the worker was killed while it ran another."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = MadeSweep(tmp_path / "s", total=2)
    worker = made.worker("w1", killed_process(), [Span(0, 2)])
    complete(worker, 0)
    start(worker, 1)
    worker.sync()
    return made


def test_a_sweep_whose_tasks_are_lost_gives_way_once_they_are_given_up(sweep: MadeSweep) -> None:
    with pytest.raises(SweepExists, match="is not finished"):
        begin_alone(sweep.paths, may_give_way)
    end_unheld(SweepState(sweep.root), [1])
    begin_alone(sweep.paths, may_give_way).withdraw()


def test_a_sweep_with_pending_tasks_keeps_its_directory(tmp_path: Path, sweep: MadeSweep) -> None:
    other = MadeSweep(tmp_path / "t", total=2)
    complete(other.worker("w1", killed_process(), [Span(0, 1)]), 0)
    with pytest.raises(SweepExists, match="is not finished"):
        begin_alone(other.paths, may_give_way)

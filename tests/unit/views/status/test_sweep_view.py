"""What of a sweep is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.model import ProcessIdentity
from hsm_core.processes.identity import this_process
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.lease import take_lease
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.status.sweep_text import sweep_text
from hsm_core.views.status.sweep_view import read_view
from tests.unit.store.making import MadeSweep, fail, killed_process, start

WHY = "3 tasks wait to be submitted: no more jobs can be submitted now (MaxSubmitJobs=0)"


def waiting(sweep: MadeSweep, name: str, process: ProcessIdentity) -> JournalWriter:
    conductor = JournalWriter(sweep.paths.journal(name))
    conductor.append(events.ConductorHead(name, process))
    conductor.append(events.Waits(WHY))
    return conductor


@pytest.fixture
def sweep(tmp_path: Path) -> Iterator[MadeSweep]:
    made = MadeSweep(tmp_path / "s", total=3)
    lease = take_lease(made.paths, made.id, this_process())
    yield made
    lease.release()


def troubles(sweep: MadeSweep) -> list[str]:
    return read_view(SweepState(sweep.root)).troubles


def test_why_a_launcher_submits_nothing_is_told_elsewhere(sweep: MadeSweep) -> None:
    waiting(sweep, "conductor-a", this_process())
    assert troubles(sweep) == [WHY]


def test_what_waits_beside_running_tasks_is_no_trouble(sweep: MadeSweep) -> None:
    waiting(sweep, "conductor-a", this_process())
    start(sweep.worker("w1"), 0)
    assert troubles(sweep) == []


def test_what_a_dead_launcher_waited_for_is_not_told(sweep: MadeSweep) -> None:
    waiting(sweep, "conductor-a", killed_process())
    assert WHY not in troubles(sweep)


@pytest.mark.parametrize(("causes", "told"), [(9, "… and 1 more cause: "), (10, "… and 2 more causes: ")])
def test_causes_that_are_not_shown_are_counted(tmp_path: Path, causes: int, told: str) -> None:
    sweep = MadeSweep(tmp_path / "many", total=causes)
    worker = sweep.worker("w1")
    for task, letter in zip(range(causes), "abcdefghij", strict=False):
        fail(worker, task, f"ValueError: {letter * 9}", kind="ValueError")
    assert told in sweep_text(read_view(SweepState(sweep.root)))

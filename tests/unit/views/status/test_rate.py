"""How fast, how long still, and whether it goes on at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from hsm_core.model import ProcessIdentity, Span
from hsm_core.processes.identity import this_process
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.lease import take_lease
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.status.phase import phase_of
from hsm_core.views.status.rate import UNKNOWN, pace
from tests.unit.store.making import ELSEWHERE, MadeSweep, complete, fail, killed_process, start


def clocked(
    sweep: MadeSweep, name: str, ends: Sequence[float], last: float, process: ProcessIdentity
) -> None:
    """A worker that began at second 1000 of its clock and ended tasks of numbers of its own."""
    first = 100 * len(list(sweep.paths.events.iterdir()))
    writer = JournalWriter(sweep.paths.journal(name))
    writer.append(events.WorkerHead(name, process, source="local", native_id="", lock="", slots=1, at=1000.0))
    for number, at in enumerate(ends):
        writer.append(events.End(first + number, 1, "completed", at=1000.0 + at))
    writer.append(events.Beat(at=1000.0 + last))


def read_state(sweep: MadeSweep) -> SweepState:
    state = SweepState(sweep.root)
    state.refresh()
    return state


def paced(sweep: MadeSweep) -> tuple[float | None, float | None]:
    state = read_state(sweep)
    found = pace(state, state.counts())
    return found.rate, found.eta


def test_nothing_is_said_of_two_ends(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=100)
    clocked(sweep, "w1", [1, 2], 2, this_process())
    state = read_state(sweep)
    assert pace(state, state.counts()) == UNKNOWN


def test_rates_of_workers_add_up_whatever_their_clocks_say(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1000)
    clocked(sweep, "w1", [1, 2, 3, 4], 4, this_process())
    clocked(sweep, "w2", [2, 4], 4, ELSEWHERE)
    rate, eta = paced(sweep)
    assert rate == pytest.approx(1.5)
    assert eta == pytest.approx((1000 - 6) / 1.5)


def test_a_stall_slows_it_down_and_only_the_last_ends_count(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1000)
    clocked(sweep, "w1", [*range(1, 31), *(30 + 10 * n for n in range(1, 33))], 350, this_process())
    assert paced(sweep)[0] == pytest.approx(0.1)
    stalled = MadeSweep(tmp_path / "t", total=1000)
    clocked(stalled, "w1", [1, 2, 3], 300, this_process())
    assert paced(stalled)[0] == pytest.approx(0.01)


def test_dead_workers_do_nothing(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1000)
    clocked(sweep, "w1", [1, 2, 3, 4], 4, killed_process())
    assert paced(sweep) == (None, None)


def phase(sweep: MadeSweep) -> str:
    state = read_state(sweep)
    return phase_of(state, state.counts())


def test_phases(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=3)
    assert phase(sweep) == "stopped"
    lease = take_lease(sweep.paths, sweep.id, this_process())
    assert phase(sweep) == "running"
    lease.release()
    worker = sweep.worker("w1", this_process(), [Span(0, 3)])
    sweep.conductor([Span(0, 3)], this_process())
    assert phase(sweep) == "running"
    complete(worker, 0, 1)
    start(worker, 2)
    assert phase(sweep) == "running"
    worker.append(events.End(2, 1, "completed"))
    assert phase(sweep) == "completed"


def test_all_ended_but_not_well_is_finished(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=2)
    worker = sweep.worker("w1", killed_process())
    fail(worker, 0, "no")
    complete(worker, 1)
    assert phase(sweep) == "finished"


def test_with_lost_tasks_that_nobody_runs_it_is_stopped(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=2)
    worker = sweep.worker("w1", killed_process())
    fail(worker, 0, "no")
    start(worker, 1)
    assert phase(sweep) == "stopped"
    take_lease(sweep.paths, sweep.id, this_process())
    assert phase(sweep) == "running", "its conductor may run the lost one again"


def test_a_sweep_that_grows_runs_as_long_as_it_is_conducted(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=None, tasks=2)
    lease = take_lease(sweep.paths, sweep.id, this_process())
    complete(sweep.worker("w1"), 0, 1)
    assert phase(sweep) == "running"
    lease.release()
    assert phase(sweep) == "completed"

"""What is shown of the sources of a sweep that has several."""

from __future__ import annotations

from pathlib import Path

from hsm_core.model import Span
from hsm_core.processes.identity import this_process
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.record import SourceRecord
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.event_log import EventLog
from hsm_core.views.status.source_view import read_sources, source_lines
from tests.unit.store.making import LOCAL, MadeSweep, complete, start

SLURM = SourceRecord("slurm", "pool")  # nobody is to be asked about it


def shared(folder: Path) -> tuple[MadeSweep, JournalWriter]:
    """Tasks 0 to 3 ran, run or wait here; 4 and 5 wait in a queue that gets nothing."""
    sweep = MadeSweep(folder / "sweep", 6, sources=(LOCAL, SLURM))
    conductor = sweep.conductor([Span(0, 4)], this_process())
    worker = sweep.worker("w1", spans=[Span(0, 4)])
    complete(worker, 0, 1)
    start(worker, 2)
    conductor.append(events.Submit("launch-0/submit-1", "t2", (Span(4, 2),), "slurm", each=1))
    conductor.append(events.HandedOver("launch-0/submit-1", "78"))
    conductor.append(events.SourceStanding("slurm", "disabled", "node failure"))
    return sweep, conductor


def read(sweep: MadeSweep) -> SweepState:
    state = SweepState(sweep.root)
    state.refresh()
    return state


def test_each_source_is_told_with_what_it_runs_and_how_well_it_is(tmp_path: Path) -> None:
    local, slurm = read_sources(read(shared(tmp_path)[0]))
    assert (local.name, local.running, local.capacity, local.waiting, local.done) == ("local", 1, 2, 1, 2)
    assert (local.health, slurm.health, slurm.why) == ("well", "disabled", "node failure")
    assert (slurm.running, slurm.waiting, slurm.done, slurm.rate) == (0, 2, 0, None)


def test_the_table_has_a_line_a_source(tmp_path: Path) -> None:
    head, local, slurm = source_lines(read_sources(read(shared(tmp_path)[0])))
    assert head.split() == ["source", "running", "waiting", "done", "rate", "health"]
    assert (local.split()[:4], local.split()[-1]) == (["local", "1/2", "1", "2"], "well")
    assert slurm.split() == ["slurm", "0", "2", "0", "disabled:", "node", "failure"]


def test_one_source_needs_no_table(tmp_path: Path) -> None:
    assert read_sources(read(MadeSweep(tmp_path / "sweep", 2))) == []
    assert source_lines([]) == []


def test_the_log_tells_who_was_given_what_and_how_well_they_are(tmp_path: Path) -> None:
    sweep, conductor = shared(tmp_path)
    conductor.append(events.Gone((Span(4, 2),), "lost", "launch", "taken back from the queue of slurm"))
    conductor.append(events.SourceStanding("slurm", "well"))
    told = [one.text for one in EventLog(sweep.paths).read_new()]
    assert "2 tasks were submitted to slurm as 78 (.hsm/launch-0/submit-1)" in told
    assert "slurm gets no tasks for now: node failure" in told
    assert "2 tasks: taken back from the queue of slurm" in told
    assert "slurm is well again" in told

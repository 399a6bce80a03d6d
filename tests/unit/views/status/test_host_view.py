"""A sweep's machines behind SSH, a line each."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hsm_core.model import ProcessIdentity, Span
from hsm_core.processes.identity import this_process
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import SweepPaths
from hsm_core.store.left_there import LeftThere, write_left
from hsm_core.store.record import read_record
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.status.sweep_text import sweep_text
from hsm_core.views.status.sweep_view import read_view
from tests.unit.store.making import MadeSweep


def begun(paths: SweepPaths, host: str) -> JournalWriter:
    worker = JournalWriter(paths.journal(f"{host}-abcdefgh"))
    there = ProcessIdentity(f"ssh:{host}", "boot", 7, "1")
    worker.append(events.WorkerHead(f"{host}-abcdefgh", there, host, "", "", 4, node=host))
    return worker


@pytest.fixture
def sweep(tmp_path: Path) -> MadeSweep:
    made = MadeSweep(tmp_path / "s", total=4)
    conductor = JournalWriter(made.paths.journal("conductor-a"))
    conductor.append(events.ConductorHead("conductor-a", this_process()))
    for host in ("box1", "box2", "box3"):
        conductor.append(events.SourceAdded(host, "host", f"ssh:{host}"))
    for number, host in enumerate(("box1", "box2")):
        span = Span(2 * number, 2, 1)
        conductor.append(events.Submit(f"launch-0/submit-{number}", f"t-{number}", (span,), host))
        conductor.append(events.HandedOver(f"launch-0/submit-{number}", f"{host}-abcdefgh"))
        worker = begun(made.paths, host)
        worker.append(events.Claimed(f"launch-0/submit-{number}/0", (span,)))
        worker.append(events.Start(2 * number, 1, str(2 * number)))
    begun_first = JournalWriter(made.paths.journal("box1-hgfedcba"))
    there = ProcessIdentity("ssh:box1", "boot", 6, "1")
    begun_first.append(events.WorkerHead("box1-hgfedcba", there, "box1", "", "", 4, node="box1"))
    begun_first.append(events.Start(3, 1, "3"))
    begun_first.append(events.End(3, 1, "completed"))
    begun_first.seal()
    return made


def test_each_that_works_has_a_line_and_is_not_told_of_twice(sweep: MadeSweep) -> None:
    os.utime(sweep.paths.journal("box2-abcdefgh"), (time.time() - 90,) * 2)
    lines = sweep_text(read_view(SweepState(sweep.root))).splitlines()
    assert [line for line in lines if line.startswith("box")] == [
        "box1: 1/4 slots in use, 1 done, last word 0 s ago, healthy",
        "box2: 1/4 slots in use, 0 done, last word 1 min ago, unhealthy",
    ]
    assert not [line for line in lines if "last report" in line]


def test_one_that_refused_for_good_is_disabled_until_it_takes_something(sweep: MadeSweep) -> None:
    conductor = JournalWriter(sweep.paths.journal("conductor-b"))
    conductor.append(events.Refusal("launch-0/submit-2", "box1 shows another key", source="box1"))
    lines = sweep_text(read_view(SweepState(sweep.root))).splitlines()
    assert [line.rpartition(" ")[2] for line in lines if line.startswith("box")] == ["disabled", "healthy"]
    conductor.append(events.Submit("launch-0/submit-3", "t-3", (Span(3, 1, 2),), "box1"))
    conductor.append(events.HandedOver("launch-0/submit-3", "box1-abcdefgh"))
    lines = sweep_text(read_view(SweepState(sweep.root))).splitlines()
    assert [line.rpartition(" ")[2] for line in lines if line.startswith("box")] == ["healthy", "healthy"]


def test_tasks_whose_files_are_on_their_way_use_no_slot(sweep: MadeSweep) -> None:
    shown = sweep.paths.journal("box1-abcdefgh").read_bytes()
    sweep.paths.came("box1-abcdefgh").write_bytes(shown + events.End(0, 1, "completed").to_line(3))
    lines = sweep_text(read_view(SweepState(sweep.root))).splitlines()
    assert "box1: 0/4 slots in use, 1 done, 1 being copied, last word 0 s ago, healthy" in lines


def test_files_that_stay_there_are_counted_with_the_line_to_get_them(sweep: MadeSweep) -> None:
    write_left(sweep.paths, 0, LeftThere("box1", 2, 3 << 30))
    write_left(sweep.paths, 3, LeftThere("box1", 1, 1 << 29))
    sweep.paths.left(2).write_text("[]")
    lines = sweep_text(read_view(SweepState(sweep.root)), width=200).splitlines()
    assert [line for line in lines if "stay there" in line] == [
        f"box1: 3 files of 2 tasks stay there, 3.5 GiB: hsm pull {read_record(sweep.paths).selector}"
    ]

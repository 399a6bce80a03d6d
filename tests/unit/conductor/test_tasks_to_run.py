"""Which attempt of a task may begin, and which tasks are tried again whose machine was away."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.conductor.tasks_to_run import MOST_TRIES, is_tried_again, may_begin
from hsm_core.model import Span
from hsm_core.store import events
from hsm_core.store.away.fences import begin_fences, is_fenced, take_end
from hsm_core.store.journal import JournalWriter
from hsm_core.store.state.jobs import ENDED_ITSELF, STAYED_AWAY
from hsm_core.store.state.sweep_state import SweepState
from tests.unit.store.making import MadeSweep


def lost(folder: Path, evidence: str, attempt: int = 1) -> SweepState:
    """A sweep whose only task was lost on a machine behind SSH."""
    sweep = MadeSweep(folder / "s", total=1)
    sweep.paths.make_directories()
    conductor = JournalWriter(sweep.paths.journal("conductor-a"))
    conductor.append(events.SourceAdded("h1", "host", "ssh:h1"))
    conductor.append(events.Submit("launch-0/submit-0", "t", (Span(0, 1, attempt),), "h1"))
    conductor.append(events.HandedOver("launch-0/submit-0", "h1-abc"))
    JournalWriter(sweep.paths.journal("h1-abc")).append(events.Start(0, attempt, "0"))
    conductor.append(events.Gone((Span(0, 1, attempt),), "lost", "node", evidence, "h1"))
    state = SweepState(sweep.root)
    state.refresh()
    return state


def test_the_next_attempt_fences_the_one_before(tmp_path: Path) -> None:
    state = lost(tmp_path, STAYED_AWAY)
    assert may_begin(state, (0, 1)), "it has none before"
    assert may_begin(state, (0, 2))
    assert is_fenced(state.paths, 0, 1)
    assert may_begin(state, (0, 2)), "a later conductor says it again"


def test_it_waits_for_an_end_whose_files_are_on_their_way(tmp_path: Path) -> None:
    state = lost(tmp_path, STAYED_AWAY)
    begin_fences(state.paths)
    assert take_end(state.paths, 0, 1)
    assert not may_begin(state, (0, 2))


@pytest.mark.parametrize(
    ("attempt", "evidence", "again"),
    [
        (MOST_TRIES - 1, f"h1 did not answer for 9 s, {STAYED_AWAY}", True),
        (MOST_TRIES, f"h1 did not answer for 9 s, {STAYED_AWAY}", False),
        (MOST_TRIES + 4, f"h1 heard nothing for 9 s {ENDED_ITSELF}", True),
    ],
    ids=["away", "away-thrice", "launcher-away"],
)
def test_a_task_may_kill_its_machine_but_not_its_launcher(
    tmp_path: Path, attempt: int, evidence: str, again: bool
) -> None:
    assert is_tried_again(lost(tmp_path, evidence, attempt), 0) is again


@pytest.mark.parametrize("goes_on", [False, True], ids=["ended-by-lease", "importer-died"])
def test_the_workers_own_word_will_do_before_its_end_is_known(tmp_path: Path, goes_on: bool) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    conductor, worker = (JournalWriter(sweep.paths.journal(name)) for name in ("conductor-a", "h1-abc"))
    conductor.append(events.SourceAdded("h1", "host", "ssh:h1"))
    conductor.append(events.Submit("launch-0/submit-0", "t", (Span(0, 1, 1),), "h1"))
    conductor.append(events.HandedOver("launch-0/submit-0", "h1-abc"))
    worker.append(events.Start(0, 1, "0"))
    worker.append(events.Lost(0, 1, "nothing was heard of its launcher", final=goes_on))
    state = SweepState(sweep.root)
    state.refresh()
    assert state.state_of(0) == "lost"
    assert is_tried_again(state, 0) is not goes_on

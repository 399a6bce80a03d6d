"""A job that is run again takes over from its earlier run: never beside one that may live, never what has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.model import ProcessIdentity, Span
from hsm_core.processes.identity import this_process
from hsm_core.store import events
from hsm_core.store.claims import Claimant
from hsm_core.store.files import to_json, write_atomically
from hsm_core.worker.supervisor.earlier_run import Predecessor, left_undone
from tests.unit.store.making import ELSEWHERE, MadeSweep, complete, killed_process, start

PATIENCE_S = 60.0


@pytest.fixture
def sweep(tmp_path: Path) -> MadeSweep:
    return MadeSweep(tmp_path / "s")


def earlier(sweep: MadeSweep, process: ProcessIdentity) -> Predecessor:
    return Predecessor(sweep.paths, Claimant("w1", "77", 0, process), PATIENCE_S)


def test_its_last_word_ends_it(sweep: MadeSweep) -> None:
    writer = sweep.worker("w1")
    one = earlier(sweep, this_process())
    one.listen()
    assert one.may_live()
    writer.seal()
    one.listen()
    assert not one.may_live()


def test_its_certain_death_ends_it(sweep: MadeSweep) -> None:
    assert not earlier(sweep, killed_process()).may_live()


def test_of_one_elsewhere_each_word_says_that_it_lives_and_long_silence_that_it_obeyed(
    sweep: MadeSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    writer = sweep.worker("w1", ELSEWHERE)
    one = earlier(sweep, ELSEWHERE)
    now += PATIENCE_S - 1
    writer.append(events.Beat())
    one.listen()
    now += PATIENCE_S - 1
    one.listen()
    assert one.may_live()
    now += 1
    assert not one.may_live()


def test_one_that_never_wrote_a_word_may_live(sweep: MadeSweep) -> None:
    one = earlier(sweep, ELSEWHERE)
    one.listen()
    assert one.may_live()


def test_what_neither_ended_nor_was_cancelled_remains_as_a_later_attempt(sweep: MadeSweep) -> None:
    writer = sweep.worker("w1", ELSEWHERE)
    complete(writer, 0)
    start(writer, 1)
    writer.append(events.Cancel(2, 1))
    writer.append(events.Warned())
    one = earlier(sweep, ELSEWHERE)
    assert left_undone([Span(0, 4)], [one], again=1) == (Span(0, 4, 2),)
    one.listen()
    assert left_undone([Span(0, 4)], [one], again=1) == (Span(1, 1, 2), Span(3, 1, 2))
    assert one.was_warned


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ({"state": "completed", "attempt": 1}, True),
        ({"state": "failed", "reason": "exception", "message": "no", "attempt": 1}, True),
        ({"state": "running", "attempt": 1}, False),
        ({"state": "completed", "attempt": 2}, False),
        ({"state": "completed", "attempt": 1, "sweep": "another"}, False),
    ],
)
def test_an_end_that_it_could_not_tell_is_told_once_if_the_outcome_is_its_own(
    sweep: MadeSweep, outcome: dict[str, object], told: bool
) -> None:
    start(sweep.worker("w1", ELSEWHERE), 1)
    write_atomically(sweep.files(1).outcome, to_json({"sweep": sweep.id, "task": 1, **outcome}))
    one = earlier(sweep, ELSEWHERE)
    one.listen()
    ends = [(end.task, end.attempt, end.state, end.adopted) for end in one.untold()]
    assert ends == ([(1, 1, outcome["state"], True)] if told else [])
    assert one.has_ended(1) is told
    assert one.untold() == []

"""While a launcher waits, whoever reads its output sees progress now and then, and may be asked how to end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.store.events import Ready
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.live import LiveProgress
from tests.unit.store.making import MadeSweep, complete


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("time.monotonic", found)
    return found


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where a user's words are written to."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield writing
    os.close(writing)


def watch(
    sweep: MadeSweep, live: LiveProgress, clock: Clock, seconds: int, printed: pytest.CaptureFixture[str]
) -> list[int]:
    """After how many seconds something was printed."""
    state, found = SweepState(sweep.root), []
    for second in range(1, seconds + 1):
        clock.now += 1
        state.refresh()
        live.show(state)
        if printed.readouterr().err:
            found.append(second)
    return found


def test_where_nobody_watches_lines_come_ever_more_rarely(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (str(number) for number in range(1000))
    monkeypatch.setattr("hsm_core.views.live.progress_line", lambda *_, **__: next(lines))
    found = watch(MadeSweep(tmp_path / "s"), LiveProgress(), clock, 400, capsys)
    assert found == [4, 12, 28, 60, 120, 180, 240, 300, 360]


def test_before_the_first_task_it_says_that_the_app_is_imported(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = MadeSweep(tmp_path / "s")
    worker, live, state, told = sweep.worker("w1"), LiveProgress(), SweepState(sweep.root), []
    for ready in ([], [Ready("launch-0", "fork", 1, 0.5)]):
        for event in ready:
            worker.append(event)
        worker.flush()
        clock.now += 100
        state.refresh()
        live.show(state)
        told.append(capsys.readouterr().err)
    assert ["importing the app" in text for text in told] == [True, False]
    assert all("0/4" in text for text in told)


def test_what_was_said_is_not_said_again(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = MadeSweep(tmp_path / "s")
    live = LiveProgress()
    assert watch(sweep, live, clock, 200, capsys) == [4]
    complete(sweep.worker("w1"), 0)
    assert len(watch(sweep, live, clock, 200, capsys)) == 1


def test_a_sweep_that_has_ended_has_no_progress(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = MadeSweep(tmp_path / "s", 1)
    complete(sweep.worker("w1"), 0)
    assert watch(sweep, LiveProgress(), clock, 100, capsys) == []


@pytest.mark.parametrize(
    ("word", "meant"), [("c\n", "cancel"), ("Detach\n", "detach"), ("w\n", ""), ("\n", "")]
)
def test_an_answer_is_its_first_letter(
    typed: int, capsys: pytest.CaptureFixture[str], word: str, meant: str
) -> None:
    live = LiveProgress()
    live.ask_how_to_end()
    assert "[c]ancel" in capsys.readouterr().err
    assert live.answer() is None
    os.write(typed, word.encode())
    assert live.answer() == meant
    assert live.answer() is None, "it was answered once"


def test_a_word_that_is_none_of_the_answers_is_asked_again(typed: int, capsys: pytest.CaptureFixture[str]) -> None:
    live = LiveProgress()
    live.ask_how_to_end()
    question = capsys.readouterr().err
    os.write(typed, b"y\n")
    assert live.answer() is None
    assert capsys.readouterr().err == f"'y' is none of these: type c, d or w\n{question}"
    os.write(typed, b"d\n")
    assert live.answer() == "detach"


@pytest.mark.usefixtures("typed")
def test_while_a_question_stands_it_is_the_last_line(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = MadeSweep(tmp_path / "s")
    live = LiveProgress()
    live.ask_how_to_end()
    capsys.readouterr()
    assert watch(sweep, live, clock, 100, capsys) == []
    live.say("warning: full")
    warning, question = capsys.readouterr().err.strip().splitlines()
    assert (warning, question.startswith("Ctrl-C: ")) == ("warning: full", True)
    live.drop_question()
    assert capsys.readouterr().err == "\n"
    live.drop_question()
    assert capsys.readouterr().err == ""
    assert watch(sweep, live, clock, 10, capsys) == [1]

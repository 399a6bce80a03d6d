"""What signals mean for the tasks, with real signals and somebody who answers."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from hsm_core.conductor.interrupts import Interrupts
from hsm_core.conductor.policies import PATIENCE, Ending, FruitlessWorkers


class Somebody:
    """Is asked, and answers what the test says."""

    def __init__(self) -> None:
        self.is_asked = False
        self.says: str | None = None

    def ask_how_to_end(self) -> None:
        self.is_asked = True

    def answer(self) -> str | None:
        return self.says

    def drop_question(self) -> None:
        self.is_asked = False


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    with Interrupts() as interrupts:
        yield interrupts


@pytest.fixture
def somebody() -> Somebody:
    return Somebody()


@pytest.fixture
def ending(interrupts: Interrupts, somebody: Somebody) -> Ending:
    return Ending(interrupts, "ask", somebody)


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_asks_once_and_wishes_nothing_until_answered(
    ending: Ending, somebody: Somebody, interrupts: Interrupts
) -> None:
    press()
    assert [ending.wish(), ending.wish(), somebody.is_asked] == ["", "", True]
    somebody.says = "cancel"
    assert [ending.wish(), ending.wish(), interrupts.exit_code] == ["cancel", "", 130]


def test_each_ctrl_c_after_it_was_answered_with_cancel_cancels_again(ending: Ending, somebody: Somebody) -> None:
    press()
    ending.wish()
    somebody.says = "cancel"
    assert ending.wish() == "cancel"
    press()
    assert [ending.wish(), ending.wish()] == ["cancel", ""]


def test_pressed_twice_before_anybody_could_be_asked_it_cancels(ending: Ending, somebody: Somebody) -> None:
    press()
    press()
    assert [ending.wish(), somebody.is_asked] == ["cancel", False]


def test_who_wants_to_go_on_is_asked_anew_the_next_time(
    ending: Ending, somebody: Somebody, interrupts: Interrupts
) -> None:
    press()
    ending.wish()
    somebody.says = ""
    assert [ending.wish(), interrupts.exit_code] == ["", 0]
    somebody.is_asked = False
    press()
    assert [ending.wish(), somebody.is_asked] == ["", True]


@pytest.mark.parametrize("is_asked", [False, True])
def test_when_all_has_ended_an_unanswered_ctrl_c_counts_for_nothing(
    ending: Ending, somebody: Somebody, interrupts: Interrupts, is_asked: bool
) -> None:
    press()
    if is_asked:
        ending.wish()
    ending.give_up_asking()
    assert [somebody.is_asked, interrupts.exit_code] == [False, 0]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_told_to_end_nobody_is_asked_any_longer(
    ending: Ending, somebody: Somebody, interrupts: Interrupts, number: int, code: int
) -> None:
    press()
    ending.wish()
    signal.raise_signal(number)
    assert [ending.wish(), somebody.is_asked, interrupts.exit_code] == ["detach", False, code]


@pytest.mark.parametrize("policy", ["cancel", "detach"])
def test_a_policy_that_asks_nobody(interrupts: Interrupts, somebody: Somebody, policy: str) -> None:
    ending = Ending(interrupts, policy, somebody)
    press()
    assert [ending.wish(), ending.wish(), somebody.is_asked, interrupts.exit_code] == [policy, "", False, 130]
    ending.give_up_asking()
    assert interrupts.exit_code == 130


def test_workers_that_end_no_task_are_counted_anew_once_one_has_ended() -> None:
    workers = FruitlessWorkers()
    assert not any(workers.are_too_many(0) for _ in range(PATIENCE))
    assert not any(workers.are_too_many(1) for _ in range(PATIENCE))
    assert workers.are_too_many(1)

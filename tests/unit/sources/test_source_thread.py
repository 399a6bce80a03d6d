"""Calls are made one after another, elsewhere; what they return or raise comes back to who asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from hsm_core.sources.source_thread import SourceThread
from tests.waiting import wait_until

Make = Callable[..., SourceThread]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes source threads; once they are closed, none of them is left."""
    made, before = list[SourceThread](), set(threading.enumerate())

    def make_one(name: str, on_answer: Callable[[], object] = lambda: None) -> SourceThread:
        made.append(SourceThread(name, on_answer))
        return made[-1]

    yield make_one
    for one in made:
        one.close()
    wait_until(lambda: set(threading.enumerate()) <= before, 5, "the end of their threads")


def test_a_call_is_made_in_a_thread_of_its_own_and_answers(make: Make) -> None:
    news = threading.Event()
    answer = make("a", news.set).ask(threading.get_ident)
    assert answer.wait(30)
    assert answer.take() != threading.get_ident()
    assert news.wait(30)


def test_what_a_call_raises_is_raised_where_its_answer_is_taken_and_the_next_call_is_made(make: Make) -> None:
    thread = make("a")
    failed, fine = thread.ask(lambda: 1 // 0), thread.ask(lambda: 7)
    assert fine.wait(30)
    with pytest.raises(ZeroDivisionError):
        failed.take()
    assert fine.take() == 7


def test_a_call_that_hangs_delays_its_own_source_only_and_what_waits_behind_it_can_be_withdrawn(make: Make) -> None:
    hanging, other, release = make("a"), make("b"), threading.Event()
    made = list[int]()
    began = time.monotonic()
    first = hanging.ask(lambda: release.wait(60))
    behind = hanging.ask(lambda: made.append(1))
    last = hanging.ask(lambda: made.append(2))
    assert other.ask(lambda: 5).wait(30)
    assert not first.is_there
    assert behind.withdraw()
    release.set()
    assert last.wait(30)
    assert made == [2]
    assert not last.withdraw(), "it was made"
    assert time.monotonic() - began < 30


def test_nobody_is_woken_for_a_quiet_answer(make: Make) -> None:
    news = threading.Event()
    thread = make("a", news.set)
    assert thread.ask(lambda: 1, quietly=True).wait(30)
    assert not news.is_set()
    thread.ask(lambda: 2)
    assert news.wait(30)

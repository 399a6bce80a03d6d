"""The queue of attempts: spans that are cut."""

from __future__ import annotations

import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hsm_core.model import Span
from hsm_core.worker.supervisor.queue import AttemptQueue, cut

BOOT, OTHER = Path("launch-0/boot.json"), Path("launch-9/boot.json")
SPANS = st.builds(Span, st.integers(0, 8), st.integers(1, 6), st.integers(1, 3))


def taken(waiting: AttemptQueue) -> list[tuple[int, int]]:
    found = []
    while waiting:
        pending = waiting.take()
        found.append((pending.task, pending.attempt))
    return found


@given(SPANS, st.none() | SPANS)
def test_cut_parts_a_span(span: Span, tasks: Span | None) -> None:
    inside, outside = ([pair for part in parts for pair in part] for parts in cut(span, tasks))
    meant = set(range(tasks.first, tasks.first + tasks.count)) if tasks else {task for task, _ in span}
    assert inside == [(task, attempt) for task, attempt in span if task in meant]
    assert outside == [(task, attempt) for task, attempt in span if task not in meant]


@given(st.lists(SPANS, max_size=5), SPANS, st.integers(1, 4))
def test_dropping_is_leaving_out(spans: list[Span], tasks: Span, below: int) -> None:
    waiting = AttemptQueue()
    waiting.add(BOOT, spans)
    waiting.add(OTHER, [Span(3, 4)])
    dropped = waiting.drop(tasks, boot=BOOT, below=below)
    all_pairs = [pair for span in spans for pair in span]
    numbers = range(tasks.first, tasks.first + tasks.count)
    gone = [(task, attempt) for task, attempt in all_pairs if task in numbers and attempt < below]
    assert [pair for span in dropped for pair in span] == gone
    left = [pair for pair in all_pairs if pair not in gone]
    assert len(waiting) == len(left) + 4
    assert taken(waiting) == [*left, *Span(3, 4)]


def test_a_hundred_thousand_attempts_are_nothing() -> None:
    waiting = AttemptQueue()
    waiting.add(BOOT, [Span(0, 100_000)])
    began = time.process_time()
    for number in range(50_000):
        assert waiting.take().task == number
    for number in range(100):
        waiting.drop(Span(60_000 + 2 * number, 1))
    assert len(waiting) == 49_900
    assert time.process_time() - began < 5

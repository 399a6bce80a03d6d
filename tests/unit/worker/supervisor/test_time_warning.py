"""A warning in the first half of a job's time waits for the second."""

from __future__ import annotations

import math

import pytest

from hsm_core.worker.supervisor import time_warning
from hsm_core.worker.supervisor.time_warning import EndWarning, process_age_s


class Clock:
    """Stands in for ``time`` of the module; the process is 10 s old at its 0."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(time_warning, "time", found)
    monkeypatch.setattr(time_warning, "process_age_s", lambda: 10.0)
    return found


@pytest.mark.parametrize(
    ("limit_s", "rings_at", "due_at"),
    [(60, 1, 20), (60, 19.5, 20), (60, 30, 30), (600, 2, 290), (None, 1, 1), (15, 0, 0)],
)
def test_it_is_taken_once_and_not_before_the_middle(
    clock: Clock, limit_s: float | None, rings_at: float, due_at: float
) -> None:
    warning = EndWarning(limit_s)
    assert (warning.due_in(), warning.is_due()) == (math.inf, False)
    clock.now = rings_at
    warning.ring()
    assert warning.due_in() == due_at - rings_at
    clock.now = due_at - 0.1
    if rings_at < clock.now:
        assert not warning.is_due()
    clock.now = due_at
    assert warning.is_due()
    warning.ring()
    assert not warning.is_due()
    assert warning.due_in() == math.inf


def test_the_age_of_a_process_counts_what_it_was_before() -> None:
    assert 0 < process_age_s() < 24 * 3600

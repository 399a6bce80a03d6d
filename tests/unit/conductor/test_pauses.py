"""A conductor steps as often as it can afford."""

from __future__ import annotations

import pytest

import hsm_core.conductor.pauses as module
from hsm_core.conductor.pauses import Pause


class Clock:
    """CPU time that passes when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(module.time, "thread_time", lambda: self.now)

    def step(self, pause: Pause, cost: float) -> float:
        """The pause after a step that costs so many seconds."""
        with pause.measured():
            self.now += cost
        return pause.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_steps_that_cost_nothing_follow_each_other_quickly(clock: Clock) -> None:
    pause = Pause(0.5)
    assert [clock.step(pause, 0.0001) for _ in range(3)] == [0.05] * 3


def test_steps_that_cost_take_a_four_hundredth_of_a_core(clock: Clock) -> None:
    pause = Pause(10.0)
    pauses = [clock.step(pause, 0.00375) for _ in range(200)]
    assert pauses[-1] == pytest.approx(1.5)
    assert sum(pauses) == pytest.approx(clock.now / 0.0025, rel=0.1)


def test_one_dear_step_does_not_make_the_next_late(clock: Clock) -> None:
    pause = Pause(10.0)
    clock.step(pause, 0.0001)
    assert clock.step(pause, 5.0) == pytest.approx(0.1)
    assert clock.step(pause, 0.0001) == pytest.approx(0.05)


def test_the_user_sets_the_most(clock: Clock) -> None:
    pause = Pause(0.2)
    assert [clock.step(pause, 1.0) for _ in range(3)] == [0.1, 0.2, 0.2]

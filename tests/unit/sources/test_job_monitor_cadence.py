"""How often a scheduler is asked, on a clock that a test moves."""

from __future__ import annotations

import itertools

from hsm_core.sources.job_monitor import LEAST_S, MOST_S, Cadence

HOUR = 3600.0


def asked_at(cadence: Cadence, begin: float, end: float, *disturbances: float) -> list[float]:
    """When questions are asked by one who looks four times a second."""
    found, now, todo = [], begin, sorted(disturbances)
    while now < end:
        while todo and todo[0] <= now:
            cadence.disturb(todo.pop(0))
        if cadence.is_due(now):
            found.append(now)
            cadence.asked(now)
        now += 0.25
    return found


def test_an_undisturbed_hour_has_at_most_75_questions() -> None:
    found = asked_at(Cadence(1000.0), 1000.0, 1000.0 + HOUR)
    assert 60 <= len(found) <= 75


def test_it_begins_quickly_and_slows_down_to_one_a_minute() -> None:
    found = asked_at(Cadence(0.0), 0.0, HOUR)
    gaps = [later - earlier for earlier, later in itertools.pairwise(found)]
    assert found[0] == 0.0
    assert gaps[0] == LEAST_S
    assert gaps == sorted(gaps)
    assert gaps[-1] == MOST_S


def test_a_disturbance_brings_the_next_question_forward() -> None:
    found = asked_at(Cadence(0.0), 0.0, HOUR, 2000.0)
    after = [at for at in found if at >= 2000.0]
    assert after[0] - 2000.0 <= LEAST_S
    assert after[1] - after[0] <= 2 * LEAST_S


def test_however_often_it_is_disturbed_it_keeps_the_least_interval() -> None:
    cadence = Cadence(0.0)
    found = asked_at(cadence, 0.0, 60.0, *(n / 10 for n in range(600)))
    gaps = [later - earlier for earlier, later in itertools.pairwise(found)]
    assert min(gaps) >= LEAST_S
    assert len(found) <= 31

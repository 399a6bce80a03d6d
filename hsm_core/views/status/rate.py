"""Tells how fast a sweep goes and when it may be done, once there is enough to go by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hsm_core.model import ENDED, State
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.state.task_state import WriterState

#: Ends that a rate is made from at least.
_LEAST = 3


@dataclass(frozen=True)
class Pace:
    """Tasks a second lately, and seconds left; None if unknown."""

    rate: float | None
    eta: float | None


UNKNOWN = Pace(None, None)


def pace(state: SweepState, counts: Counter[State]) -> Pace:
    """Returns the sum of the living workers' rates; a worker that only sends beats slows down, so a stall shows."""
    living = [writer for writer in state.workers() if not writer.sealed and not state.death_of(writer.name)]
    if sum(len(writer.ends) for writer in living) < _LEAST:
        return UNKNOWN
    rate = sum(map(rate_of, living))
    left = state.total - counts_ended(counts)
    return Pace(rate, left / rate if left > 0 else None)


def counts_ended(counts: Counter[State]) -> int:
    """Returns how many tasks will not change any more."""
    return sum(counts[state] for state in ENDED)


def rate_of(writer: WriterState) -> float:
    """Returns the tasks a second of one worker, by its own clock alone."""
    ends = writer.recent_ends()
    if not ends:
        return 0.0
    if len(ends) == writer.ends.maxlen:
        return (len(ends) - 1) / max(writer.last_at - ends[0], 0.001)
    return len(ends) / max(writer.last_at - (writer.head.at if writer.head else ends[0]), 0.001)

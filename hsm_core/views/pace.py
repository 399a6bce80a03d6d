"""How fast a sweep goes and when it may be done; nothing is said before there is something to say."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from hsm_core.model import ENDED, State
from hsm_core.store.state import SweepState

#: Ends that a rate is made from at least, and at most.
_LEAST, _MOST = 3, 200


@dataclass(frozen=True)
class Pace:
    """Tasks a second lately, and seconds left; None where it isn't known."""

    rate: float | None
    eta: float | None


UNKNOWN = Pace(None, None)


def pace(state: SweepState, counts: Counter[State]) -> Pace:
    """From the last ends of the living workers; the time since the last one counts, so that a stall shows."""
    living = [writer for writer in state.workers() if not writer.sealed and not state.death_of(writer.name)]
    ends = sorted(at for writer in living for at in writer.recent_ends())[-_MOST:]
    if len(ends) < _LEAST:
        return UNKNOWN
    began = min(float(writer.head.get("at", ends[0])) for writer in living)
    first = ends[0] if len(ends) == _MOST or counts_ended(counts) > len(ends) else began
    ended = len(ends) - (first == ends[0])
    rate = ended / max(time.time() - first, 0.001)
    left = state.total - counts_ended(counts)
    return Pace(rate, left / rate if left > 0 else None)


def counts_ended(counts: Counter[State]) -> int:
    """Tasks of which nothing more is expected."""
    return sum(counts[state] for state in ENDED)

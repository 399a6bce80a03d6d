"""Tells why tasks go to a new worker: theirs has left by itself, it died, or there was none."""

from __future__ import annotations

from collections.abc import Collection

from hsm_core.model import counted
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.failures.reasons import left_behind


def told_of_orphans(state: SweepState, orphans: Collection[int]) -> list[str]:
    """A line for those whose worker left, as it does when its job's time is nearly over; others for the rest.

    Args:
        orphans: pending tasks that nobody holds any more.
    """
    left = len(left_behind(state, orphans))
    never = len(_never_claimed(state, orphans))
    counts = {
        "a worker has left": left,
        "a worker died": len(orphans) - left - never,
        "a job ended before its worker started": never,
    }
    return [f"{why}; {counted(count, 'task', 'goes', 'go')} to a new one" for why, count in counts.items() if count]


def _never_claimed(state: SweepState, orphans: Collection[int]) -> set[tuple[int, int]]:
    """Those of schedulers' jobs that no worker claimed; here, a job is its worker."""
    pairs = {
        (number, state.tasks[number].attempt) for number in orphans if state.jobs.key_of(number) is not None
    }
    claimed = [span for writer in state.workers() for _, span in writer.claimed] if pairs else []
    return pairs.difference(*claimed)

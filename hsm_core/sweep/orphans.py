"""Tells why tasks go to a new worker: theirs has left by itself, or it died."""

from __future__ import annotations

from collections.abc import Collection

from hsm_core.store.state import SweepState


def told_of_orphans(state: SweepState, orphans: Collection[int]) -> list[str]:
    """A line for those whose worker left, as it does when its job's time is nearly over; another for the rest.

    Args:
        orphans: pending tasks that nobody holds any more.
    """
    left = _left_behind(state, orphans)
    counts = {"a worker has left": len(left), "a worker died": len(orphans) - len(left)}
    return [f"{why}; {_go(count)} to a new one" for why, count in counts.items() if count]


def _left_behind(state: SweepState, orphans: Collection[int]) -> set[int]:
    """Those that were claimed, and by workers alone that ended properly."""
    waiting = {(number, task.attempt) for number in orphans if (task := state.tasks.get(number))}
    left: set[int] = set()
    dropped: set[int] = set()
    for writer in state.workers():
        for _, span in writer.claimed:
            found = {number for number, _ in waiting.intersection(span)}
            (left if writer.sealed else dropped).update(found)
    return left - dropped


def _go(count: int) -> str:
    return "1 task goes" if count == 1 else f"{count} tasks go"

"""Measures how long tasks take at a source, and how long they wait there before they begin."""

from __future__ import annotations

from collections import deque
from statistics import mean

#: Tasks, the newest, of which the mean is taken.
_NEWEST = 20


class Pace:
    """Of one source; all times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._took: deque[float] = deque(maxlen=_NEWEST)
        self._waited: deque[float] = deque(maxlen=_NEWEST)
        self._given: dict[int, float] = {}

    def give(self, task: int, now: float) -> None:
        """It was given a task."""
        self._given[task] = now

    def end(self, task: int, wall_s: float | None, now: float) -> None:
        """A task has ended.

        Args:
            wall_s: what it took, if it was completed: one that fails at once says nothing about how fast a source is.
        """
        given = self._given.pop(task, None)
        if wall_s is not None:
            self._took.append(wall_s)
            if given is not None:
                self._waited.append(max(0.0, now - given - wall_s))

    def given_at(self, task: int, otherwise: float) -> float:
        """Returns when it was given a task that has not ended."""
        return self._given.get(task, otherwise)

    @property
    def task_s(self) -> float | None:
        """Returns how long a task takes there; None before one was completed."""
        return mean(self._took) if self._took else None

    def wait_s(self, has_begun: bool, now: float) -> float:
        """Returns how long what is given to it now is likely to wait, even if it has room.

        Args:
            has_begun: a task of it runs; else what waits there may tell more than what has ended.
        """
        known = min(self._waited, default=0.0)
        oldest = 0.0 if has_begun else now - min(self._given.values(), default=now)
        return max(known, oldest)

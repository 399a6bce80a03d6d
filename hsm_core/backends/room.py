"""How many more jobs a scheduler takes now: by the limits that it names, its refusals, and what is in its queue."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from hsm_core.schedulers.interface import Allowed, NoAnswer, Scheduler, Sight

#: Seconds for which what a scheduler allows is not asked again.
_ALLOWED_S = 60.0
#: Seconds for which a look at its queue serves: what we add is counted.
_QUEUE_S = 2.0
#: How many more jobs, and what says so.
Bound = tuple[int, str]


class Room:
    """The room in one scheduler's queue.

    Args:
        place: queue, account and QOS, whose limits count.
    """

    def __init__(self, scheduler: Scheduler, place: tuple[str | None, str | None, str | None]) -> None:
        self._scheduler, self._place = scheduler, place
        self._allowed: tuple[float, Allowed] | None = None
        self._queue: tuple[float, Sequence[Sight]] | None = None
        self._added = 0
        self._refused: Bound | None = None

    def allowed(self) -> Allowed:
        """What the scheduler takes at most; what it said before, where it does not answer now."""
        now = time.monotonic()
        if self._allowed is None or now - self._allowed[0] > _ALLOWED_S:
            try:
                found = self._scheduler.allowed(*self._place)
            except NoAnswer:
                found = self._allowed[1] if self._allowed else Allowed()
            self._allowed = (now, found)
        return self._allowed[1]

    def bounds(self) -> Iterator[Bound]:
        """Of each limit, how much it leaves. A queue that can't be seen limits nothing: a refusal will tell."""
        limits = self.allowed().limits
        queue = self._seen() if limits else None
        if queue is not None:
            for limit in limits:
                yield limit.most - sum(map(limit.counts, queue)) - self._added, str(limit)
        if self._refused is not None:
            yield self._refused

    def took(self, jobs: int) -> None:
        """So many more were accepted."""
        self._added, self._refused = self._added + jobs, None

    def refused(self, jobs: int, why: str) -> None:
        """So many were too many at once: half of them may not be."""
        self._refused, self._allowed, self._queue = (max(1, jobs // 2), why), None, None

    def _seen(self) -> Sequence[Sight] | None:
        now = time.monotonic()
        if self._queue is None or now - self._queue[0] > _QUEUE_S:
            try:
                self._queue, self._added = (now, self._scheduler.queue()), 0
            except NoAnswer:
                self._queue = None
        return None if self._queue is None else self._queue[1]

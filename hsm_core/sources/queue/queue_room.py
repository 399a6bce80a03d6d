"""How many more jobs a scheduler takes now: by the limits that it names, its refusals, and what is in its queue."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from hsm_core.schedulers.batch_system import Place
from hsm_core.schedulers.interface import Allowed, JobStatus, NoAnswer, Scheduler

#: Seconds for which what a scheduler allows is not asked again.
_ALLOWED_S = 60.0
#: Seconds for which a look at its queue serves: what we add is counted.
_QUEUE_S = 2.0
#: How many more jobs, and what says so.
Bound = tuple[int, str]


class Room:
    """The room in one scheduler's queue."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._allowed: dict[Place, tuple[float, Allowed]] = {}
        self._queue: tuple[float, Sequence[JobStatus]] | None = None
        self._added = 0
        self._refused: dict[Place, Bound] = {}

    def allowed(self, place: Place) -> Allowed:
        """Returns the most that the scheduler takes; its earlier answer, where it gives none now."""
        now = time.monotonic()
        at, found = self._allowed.get(place, (float("-inf"), Allowed()))
        if now - at > _ALLOWED_S:
            with suppress(NoAnswer):
                found = self._scheduler.allowed(*place)
            self._allowed[place] = (now, found)
        return found

    def bounds(self, place: Place) -> Iterator[Bound]:
        """Of each limit, how much it leaves. A queue that can't be seen limits nothing: a refusal will tell."""
        limits = self.allowed(place).limits
        queue = self._seen() if limits else None
        if queue is not None:
            for limit in limits:
                yield limit.most - sum(map(limit.counts, queue)) - self._added, str(limit)
        if place in self._refused:
            yield self._refused[place]

    def took(self, place: Place, jobs: int) -> None:
        """So many more were accepted."""
        self._added += jobs
        self._refused.pop(place, None)

    def refused(self, place: Place, jobs: int, why: str) -> None:
        """So many were too many at once: half of them may not be."""
        self._refused[place], self._queue = (max(1, jobs // 2), why), None
        self._allowed.pop(place, None)

    def _seen(self) -> Sequence[JobStatus] | None:
        now = time.monotonic()
        if self._queue is None or now - self._queue[0] > _QUEUE_S:
            try:
                self._queue, self._added = (now, self._scheduler.queue()), 0
            except NoAnswer:
                self._queue = None
        return None if self._queue is None else self._queue[1]

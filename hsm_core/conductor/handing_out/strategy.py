"""Divides tasks among the sources of a sweep: free capacity, speed and health in, assignments out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeAlias

from hsm_core.model import Strategy
from hsm_core.settings import SeveralSettings
from hsm_core.sources.interface import Pair

#: What a source is given at once whose capacity nobody knows, while others take tasks, too.
UNKNOWN_CAPACITY = 100
#: Beyond what it runs, a source holds the work of so many seconds, so that none of its slots waits for us.
REFILL_S = 1.0
#: Tasks a slot that are held for that, at most; a share of the slots as long as nobody knows how long tasks take.
_MOST_AHEAD, _UNKNOWN_AHEAD = 20, 1 / 4
#: A queue is filled again when so large a share of what it may hold is free: each time is one submission.
_PORTION = 1 / 4


@dataclass(frozen=True)
class Rules:
    """Says how the tasks are divided.

    Args:
        strategy: who gets the next task: ``fastest``: where it will have ended first; ``least_loaded``: who holds the
            least for its size; ``round_robin``: each in turn; ``random``: anyone.
        parallel_limit: tasks at once over all sources; None is no limit.
        degraded_after: failures of a source itself in a row, after which it gets fewer tasks.
        disabled_after: and after which it gets none.
        probe_after_s: seconds after which one that gets none is given a task as a probe.
    """

    strategy: Strategy = "fastest"
    parallel_limit: int | None = None
    degraded_after: int = 2
    disabled_after: int = 4
    probe_after_s: float = 60.0

    @classmethod
    def of(cls, several: SeveralSettings) -> Rules:
        """Returns what the launcher's fields say."""
        return cls(
            several.strategy, several.parallel_limit, several.degraded_after, several.disabled_after,
            several.probe_after_s,
        )  # fmt: skip


@dataclass(frozen=True)
class Offer:
    """Says how much a source can take, and how fast it is.

    Args:
        name: the source's.
        capacity: tasks that it runs at once; None: nobody knows.
        held: tasks that it was given and that have not ended.
        is_well: nothing is wrong with it.
        is_queue: each time that it gets tasks is a submission to a scheduler.
        task_s: seconds that a task takes there; None: none has been completed yet.
        wait_s: seconds that a task waits there before it begins, though there may be room.
        limit: tasks that it may hold at most, as something is wrong with it; None is no limit.
    """

    name: str
    capacity: int | None
    held: int = 0
    is_well: bool = True
    is_queue: bool = False
    task_s: float | None = None
    wait_s: float = 0.0
    limit: int | None = None

    @property
    def size(self) -> int:
        """Returns how many tasks it runs at once."""
        return UNKNOWN_CAPACITY if self.capacity is None else max(1, self.capacity)

    @property
    def most(self) -> int:
        """Returns how many tasks it may hold: those that it runs, and those that it begins soon."""
        if self.task_s is None:
            return self.size + max(1, int(self.size * _UNKNOWN_AHEAD))
        ahead = min(_MOST_AHEAD, REFILL_S / max(self.task_s, 1e-3))
        if self.is_queue:  # what waits there must be there early, but no more than it runs at once
            ahead = min(max(1.0, ahead), ahead + self.wait_s / max(self.task_s, 1e-3))
        return self.size + max(1, math.ceil(self.size * ahead))

    @property
    def room(self) -> int:
        """Returns how many tasks it may be given now."""
        free = (self.most if self.limit is None else min(self.most, self.limit)) - self.held
        is_little = self.is_queue and self.held >= self.size and free < self.most * _PORTION
        return 0 if is_little else max(0, free)

    def end_of_next(self, usual_s: float) -> float:
        """Returns in how many seconds a task ends that it is given now.

        Args:
            usual_s: how long a task takes as long as nobody knows it of this source.
        """
        return self.wait_s + (self.held // self.size + 1) * (self.task_s or usual_s)

    def ends_within(self, seconds: float) -> int:
        """Returns how many more tasks it would end in a time; none, as long as nobody knows how fast it is."""
        if self.task_s is None or seconds <= self.wait_s:
            return 0
        return max(0, self.size * int((seconds - self.wait_s) / max(self.task_s, 1e-3)) - self.held)


def assign(
    waiting: Sequence[Pair], offers: Sequence[Offer], rules: Rules | None = None, *, running: int = 0, turn: int = 0,
    all_of_it: bool = False,
) -> dict[str, list[Pair]]:  # fmt: skip
    """Returns who takes which of the tasks that wait, in their order; the rest waits for capacity.

    Sources that are not well get nothing; if none is well, tasks wait.

    Args:
        rules: how they are divided.
        running: tasks that were given out, and have not ended, for the limit over all.
        turn: how many tasks were given out before; it says whose turn it is, and what chance brings.
        all_of_it: nobody will be there later to give out the rest: each gets its share by its capacity.
    """
    rules = rules or Rules()
    able = [offer for offer in offers if offer.is_well]
    if all_of_it:
        return _shares(waiting, able or list(offers))
    most = len(waiting) if rules.parallel_limit is None else max(0, rules.parallel_limit - running)
    if len(offers) == 1 and able and rules.parallel_limit is None:
        return {able[0].name: list(waiting)} if waiting else {}
    choose = _CHOICES[rules.strategy]
    found: dict[str, list[Pair]] = {}
    refused = set[str]()
    rooms = {offer.name: offer.room for offer in able}
    left = list(reversed(waiting[:most]))
    while left:
        free = [one for one in able if rooms[one.name] > 0 and one.name not in refused]
        if not free:
            break
        chosen = choose(free, turn)
        if rules.strategy == "fastest" and _others_end_first(chosen, able, len(left)):
            refused.add(chosen.name)
            continue
        found.setdefault(chosen.name, []).append(left.pop())
        rooms[chosen.name] -= 1
        able = [replace(one, held=one.held + 1) if one is chosen else one for one in able]
        turn += 1
    return found


def _fastest(free: Sequence[Offer], _turn: int) -> Offer:
    known = [one.task_s for one in free if one.task_s is not None]
    usual_s = min(known, default=1.0)  # so that one which nobody has measured is tried
    return min(free, key=lambda one: (one.end_of_next(usual_s), one.held / one.size))


def _others_end_first(chosen: Offer, able: Sequence[Offer], left: int) -> bool:
    """Whether the others, busy as they are, would have ended all that waits before this one ended a task of it."""
    if chosen.task_s is None:
        return False
    until = chosen.end_of_next(chosen.task_s)
    return sum(one.ends_within(until) for one in able if one is not chosen) >= left


def _least_loaded(free: Sequence[Offer], _turn: int) -> Offer:
    return min(free, key=lambda one: one.held / one.size)


def _round_robin(free: Sequence[Offer], turn: int) -> Offer:
    return free[turn % len(free)]


def _random(free: Sequence[Offer], turn: int) -> Offer:
    return Random(turn).choice(free)


_Choice: TypeAlias = Callable[[Sequence[Offer], int], Offer]
_CHOICES: dict[Strategy, _Choice] = {
    "fastest": _fastest, "least_loaded": _least_loaded, "round_robin": _round_robin, "random": _random,
}  # fmt: skip


def _shares(waiting: Sequence[Pair], offers: Sequence[Offer]) -> dict[str, list[Pair]]:
    total, given, before = sum(offer.size for offer in offers), 0, 0
    found: dict[str, list[Pair]] = {}
    for offer in offers:
        before += offer.size
        end = len(waiting) * before // total
        if end > given:
            found[offer.name] = list(waiting[given:end])
        given = end
    return found

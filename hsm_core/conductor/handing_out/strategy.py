"""Divides tasks among the sources of a sweep: free capacity and health in, assignments out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hsm_core.sources.interface import Pair

#: What a source is given at once whose capacity nobody knows, while others take tasks, too.
UNKNOWN_CAPACITY = 100
#: A source may hold so many times as much as it can run at once, so that none of it ever waits for us.
AHEAD = 2


@dataclass(frozen=True)
class Offer:
    """Says how much a source can take.

    Args:
        name: the source's.
        capacity: tasks that it runs at once; None: nobody knows.
        held: tasks that it was given and that have not ended.
        is_well: nothing is wrong with it.
    """

    name: str
    capacity: int | None
    held: int = 0
    is_well: bool = True

    @property
    def size(self) -> int:
        return UNKNOWN_CAPACITY if self.capacity is None else max(1, self.capacity)


def assign(waiting: Sequence[Pair], offers: Sequence[Offer], *, all_of_it: bool = False) -> dict[str, list[Pair]]:
    """Returns who takes which of the tasks that wait, in their order; the rest waits for capacity.

    What can begin at once is given out first; then each source gets some more ahead, once it can take as much as it
    runs at once. One that is not well gets nothing, unless none is well.

    Args:
        all_of_it: nobody will be there later to give out the rest: each gets its share by its capacity.
    """
    able = [offer for offer in offers if offer.is_well] or list(offers)
    if not able or not waiting:
        return {}
    if len(able) == 1 and len(offers) == 1:
        return {able[0].name: list(waiting)}
    if all_of_it:
        return _shares(waiting, able)
    found: dict[str, list[Pair]] = {}
    left = list(waiting)
    for ahead in range(1, AHEAD + 1):
        for offer in able:
            free = ahead * offer.size - offer.held - len(found.get(offer.name, ()))
            if left and (free >= offer.size or (ahead == 1 and free > 0)):
                taken, left = left[:free], left[free:]
                found.setdefault(offer.name, []).extend(taken)
    return found


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

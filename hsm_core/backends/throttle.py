"""Keeps a limit on tasks at once over several arrays, each of which a scheduler throttles by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass
class _Array:
    share: int
    left: int


class Throttle:
    """Shares out a limit.

    Args:
        limit: elements at once over all arrays.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._arrays: dict[str, _Array] = {}

    @property
    def free(self) -> int:
        """What no array uses: one with fewer elements left than its share needs no more than these."""
        return self._limit - sum(min(array.share, array.left) for array in self._arrays.values())

    def next_share(self, arrays_to_come: int) -> int:
        """What the next array may have, if that many are still to come, itself among them; 0: it has to wait."""
        return min(self.free, max(1, self.free // max(1, arrays_to_come)))

    def add(self, name: str, share: int, size: int) -> None:
        """An array was submitted."""
        self._arrays[name] = _Array(share, size)

    def drop(self, name: str) -> None:
        """It was not accepted."""
        self._arrays.pop(name, None)

    def left(self, elements: Mapping[str, int]) -> None:
        """How many elements of each array have not ended; of an array that is not named none is left."""
        for name, array in self._arrays.items():
            array.left = elements.get(name, 0)

    def raised(self) -> dict[str, int]:
        """New shares for arrays that could use what others no longer need."""
        found = {}
        for name, array in self._arrays.items():
            more = min(self.free, array.left - array.share)
            if more > 0:
                array.share += more
                found[name] = array.share
        return found

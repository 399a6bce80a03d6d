"""Keeps a limit on tasks at once over several arrays, each of which a scheduler throttles by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ..snapshot import Snapshot
from .own_jobs import OwnJobs


@dataclass
class _Array:
    """``told``: the share that its scheduler knows of; 0: another one, perhaps."""

    share: int
    left: int
    told: int


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
        """Returns what no array uses: one with fewer elements left than its share needs no more than these."""
        return self._limit - sum(min(array.share, array.left) for array in self._arrays.values())

    def next_share(self, arrays_to_come: int) -> int:
        """Returns the share of the next array, if that many are still to come, itself among them; 0: it waits."""
        return min(self.free, max(1, self.free // max(1, arrays_to_come)))

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def add(self, name: str, share: int, size: int, *, is_told: bool = True) -> None:
        """An array was submitted.

        Args:
            is_told: False: its scheduler may have been told of another share since.
        """
        self._arrays[name] = _Array(share, size, share if is_told else 0)

    def drop(self, name: str) -> None:
        """It was not accepted."""
        self._arrays.pop(name, None)

    def left(self, elements: Mapping[str, int]) -> None:
        """How many elements of each array have not ended; of an array that is not named none is left."""
        for name, array in self._arrays.items():
            array.left = elements.get(name, 0)

    def share_out(self) -> None:
        """Give arrays that could use it what others no longer need."""
        for array in self._arrays.values():
            array.share += max(0, min(self.free, array.left - array.share))

    def untold(self) -> dict[str, int]:
        """Shares that schedulers do not know of yet."""
        return {name: one.share for name, one in self._arrays.items() if one.left and one.share != one.told}

    def tell(self, name: str) -> None:
        """The scheduler of an array knows of its share."""
        self._arrays[name].told = self._arrays[name].share


class SharedThrottle(Throttle):
    """The throttle over all arrays that a source's jobs are in, kept by its scheduler."""

    def __init__(self, own: OwnJobs, limit: int) -> None:
        super().__init__(limit)
        self._own, self._all = own, limit
        self.arrays_to_come = 0

    def learn(self, jobs: Snapshot) -> None:
        """Counts the arrays that an earlier launcher submitted, each once."""
        living = living_elements(jobs)
        for line in jobs.lines:
            if line.name not in self:
                share, is_plain = line.at_once or self._all, line.is_one_job
                self.add(line.name, share, living[line.name], is_told=is_plain)
        self._tell(jobs)

    def tend(self, jobs: Snapshot) -> None:
        """Gives arrays that could use it what others no longer need."""
        self.learn(jobs)
        self.left(living_elements(jobs))
        if self.arrays_to_come <= 0:
            self.share_out()
            self._tell(jobs)

    def _tell(self, jobs: Snapshot) -> None:
        """Has the scheduler keep the shares; one that does not answer is told next time."""
        untold = self.untold()
        lines = {line.native_id: line for line in jobs.lines if line.name in untold and line.native_id}
        shares = {native_id: untold[line.name] for native_id, line in lines.items()}
        for native_id in self._own.throttle(shares, lines) if lines else ():
            self.tell(lines[native_id].name)


def living_elements(jobs: Snapshot) -> Counter[str]:
    """Returns how many jobs of each submission have not ended, as far as is known."""
    return Counter(name for name, _ in jobs.alive)

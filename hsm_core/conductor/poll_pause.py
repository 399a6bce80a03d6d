"""How long a conductor waits between two looks: so long that looking takes a four-hundredth of a core."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds that a pause lasts at least.
LEAST_S = 0.05
#: The share of a core that looking may take; sites end what keeps a login node busy.
SHARE = 0.0025


class Pause:
    """Grows with what a look costs: it reads what all workers wrote.

    Args:
        most_s: seconds that it lasts at most.
    """

    def __init__(self, most_s: float) -> None:
        self._most_s = most_s
        self._cost_s = LEAST_S * SHARE

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Measure a look. One that is dear only once, as the first of its kind, does not count in full."""
        began = time.process_time()
        yield
        spent = time.process_time() - began
        self._cost_s = max(LEAST_S * SHARE, min(spent, 2 * self._cost_s))

    @property
    def seconds(self) -> float:
        """Until the next look."""
        return min(self._most_s, self._cost_s / SHARE)

"""How long a conductor waits: between two steps, and before it submits again what was not taken."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds that a pause between two steps lasts at least.
LEAST_S = 0.05
#: The share of a core that stepping may take: a four-hundredth; sites end what keeps a login node busy.
SHARE = 0.0025
#: Seconds between tries to submit: the first pause, the longest one.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0


class Pause:
    """Grows with what a step costs: it reads what all workers wrote.

    Args:
        most_s: seconds that it lasts at most.
    """

    def __init__(self, most_s: float) -> None:
        self._most_s = most_s
        self._cost_s = LEAST_S * SHARE

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measures a step. One that is dear only once, as the first of its kind, does not count in full."""
        began = time.thread_time()
        yield
        spent = time.thread_time() - began
        self._cost_s = max(LEAST_S * SHARE, min(spent, 2 * self._cost_s))

    @property
    def seconds(self) -> float:
        """Until the next step."""
        return min(self._most_s, self._cost_s / SHARE)


class RetryPause:
    """Grows with each try that came to nothing."""

    def __init__(self) -> None:
        self._pause_s, self._over_at, self._began_at = FIRST_PAUSE_S, float("-inf"), float("-inf")

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._over_at

    def begin(self) -> None:
        """Wait, as a try came to nothing."""
        self._began_at = time.monotonic()
        self._over_at = self._began_at + self._pause_s
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 1.5)

    def shorten(self) -> None:
        """Something has changed: as if it were the first pause."""
        self._pause_s = FIRST_PAUSE_S
        self._over_at = min(self._over_at, self._began_at + FIRST_PAUSE_S)

"""When to ask a scheduler again: soon after something happened, ever more seldom while nothing does."""

from __future__ import annotations

#: Seconds between two questions, at least and at most.
LEAST_S, MOST_S = 2.0, 60.0
#: The next question comes when this share of the undisturbed time has passed once more.
_SHARE = 1 / 3


class Cadence:
    """Says when the next question is due; all times are of one monotonic clock, in seconds.

    Undisturbed, an hour has about 70 questions: one every 2 s at first, one a minute from the third minute on.
    """

    def __init__(self, now: float) -> None:
        self._quiet_since = now
        self._asked_at = float("-inf")

    def interval(self, now: float) -> float:
        """Seconds from one question to the next."""
        return min(MOST_S, max(LEAST_S, (now - self._quiet_since) * _SHARE))

    def is_due(self, now: float) -> bool:
        return now - self._asked_at >= self.interval(now)

    def asked(self, at: float) -> None:
        """A question was answered, or failed, at this time."""
        self._asked_at = max(self._asked_at, at)

    def disturb(self, now: float) -> None:
        """Something happened: ask soon, and often for a while."""
        self._quiet_since = now

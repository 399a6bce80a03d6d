"""Tells how well a source is, by its own failures in a row: whether it gets tasks, fewer, none, or one as a probe."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from hsm_core.model import Standing
from hsm_core.store.events import SourceStanding
from hsm_core.store.journal import JournalWriter

from .strategy import Rules

#: A probe that fails doubles the time to the next one, up to so many times the first.
_LONGEST = 16


class SourceHealth:
    """Counts what a source itself does wrong: it refuses work, or its workers end before their tasks do.

    Args:
        rules: after how many failures in a row it gets fewer tasks, or none.

    Attributes:
        standing: ``well``; ``degraded``: it gets what it can begin at once; ``disabled``: it gets nothing but a task
            as a probe now and then.
        why: the newest failure.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._failures = 0
        self._pause_s, self._probe_at = rules.probe_after_s, float("inf")
        self.standing: Standing = "well"
        self.why = ""

    def fail(self, why: str, now: float, *, for_now: bool = False) -> None:
        """Counts a failure.

        Args:
            for_now: it takes nothing at present, so that one is enough.
            now: by a monotonic clock, in seconds.
        """
        self._failures += 1
        self.why = why
        if self.standing == "disabled":
            self._pause_s = min(2 * self._pause_s, _LONGEST * self._rules.probe_after_s)
        if for_now or self.standing == "disabled" or self._failures >= self._rules.disabled_after:
            self.standing, self._probe_at = "disabled", now + self._pause_s
        elif self._failures >= self._rules.degraded_after:
            self.standing = "degraded"

    def succeed(self) -> None:
        """A task of it came to its own end, well or not."""
        self._failures, self._pause_s, self._probe_at = 0, self._rules.probe_after_s, float("inf")
        self.standing, self.why = "well", ""

    def most(self, size: int, held: int, now: float) -> int | None:
        """Returns how many tasks it may hold; None: as many as it likes.

        Args:
            size: tasks that it runs at once.
            held: that it holds.
        """
        if self.standing == "well":
            return None
        if self.standing == "degraded":
            return size
        return held + 1 if now >= self._probe_at else 0

    def probe(self, now: float) -> None:
        """It was given a task as a probe, and no other one before this has told something, or takes very long."""
        if self.standing == "disabled":
            self._probe_at = now + self._pause_s


class Healths:
    """Of all sources of a sweep: what changes is said, and written down.

    Args:
        names: of the sources.
        say: prints a line for the user.
        journal: the conductor's.
    """

    def __init__(
        self, rules: Rules, names: Sequence[str], say: Callable[[str], None], journal: JournalWriter
    ) -> None:
        self.of = {name: SourceHealth(rules) for name in names}
        self._say, self._journal = say, journal

    def is_disabled(self, name: str) -> bool:
        return self.of[name].standing == "disabled"

    def fail(self, name: str, why: str, *, for_now: bool = False) -> None:
        """See ``SourceHealth.fail``."""
        before = self.of[name].standing
        self.of[name].fail(why, time.monotonic(), for_now=for_now)
        self._tell(name, before)

    def succeed(self, name: str) -> None:
        """See ``SourceHealth.succeed``."""
        before = self.of[name].standing
        self.of[name].succeed()
        self._tell(name, before)

    def drain(self, name: str) -> None:
        """It gets nothing more, as somebody asked for it."""
        self._say(f"{name} gets no more tasks: hsm sources --drain asked for it")
        self._journal.append(SourceStanding(name, "drained"))

    def _tell(self, name: str, before: Standing) -> None:
        standing, why = self.of[name].standing, self.of[name].why
        if standing != before:
            told: dict[Standing, str] = {
                "well": f"{name} is well again",
                "degraded": f"warning: {name} gets fewer tasks: {why}",
                "disabled": f"warning: {name} gets no tasks for now: {why}",
            }
            self._say(told[standing])
            self._journal.append(SourceStanding(name, standing, why))

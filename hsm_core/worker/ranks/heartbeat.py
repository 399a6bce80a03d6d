"""Measures how long a process has been silent, in checks of our own: a disk that stalls costs one check."""

from __future__ import annotations

import time
from pathlib import Path

from hsm_core.store.event_codec import Event
from hsm_core.store.journal import JournalReader

#: Beats that may be missing.
BEATS = 3


class Silence:
    """How long a process has been silent that reports every ``beat_s`` seconds.

    Args:
        beat_s: seconds between beats; checks that lie closer together count as one.
        most_s: seconds of silence that are borne.
    """

    def __init__(self, beat_s: float, most_s: float) -> None:
        self._beat_s, self._most_s = beat_s, most_s
        self._checks = 0
        self._checked_at = time.monotonic()

    @property
    def seconds(self) -> float:
        return self._checks * self._beat_s

    @property
    def is_too_long(self) -> bool:
        return self.seconds > self._most_s

    def heard(self, most_s: float) -> None:
        """Notes that a word was read; from now on ``most_s`` seconds of silence are tolerated."""
        self._checks, self._most_s = 0, most_s
        self._checked_at = time.monotonic()

    def nothing_heard(self) -> None:
        """Notes a check that found no new word."""
        now = time.monotonic()
        if now - self._checked_at >= self._beat_s:
            self._checks, self._checked_at = self._checks + 1, now


class Followed:
    """The journal of a process that reports regularly, with its silence.

    Args:
        first_s: seconds that its first word may take; None: no longer than any other.
    """

    def __init__(self, journal: Path, beat_s: float, grace_s: float, first_s: float | None = None) -> None:
        self._reader = JournalReader(journal)
        self._patience_s = BEATS * beat_s + grace_s
        self.silence = Silence(beat_s, self._patience_s if first_s is None else first_s)

    @property
    def has_left(self) -> bool:
        """Returns whether it wrote its last word."""
        return self._reader.sealed

    def listen(self, *, deaf: bool) -> list[Event]:
        """Returns its newest words.

        Args:
            deaf: our own disk refuses: that nothing is heard says nothing of it.
        """
        try:
            news = self._reader.read_new()
        except FileNotFoundError:
            news = []
        except OSError:
            return []
        if news:
            self.silence.heard(self._patience_s)
        elif not deaf:
            self.silence.nothing_heard()
        return news

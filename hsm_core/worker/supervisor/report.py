"""Writes a worker's events, makes them durable in groups, and sends a beat when there is nothing else to say."""

from __future__ import annotations

import time

from hsm_core.store import events
from hsm_core.store.event_codec import Event
from hsm_core.store.journal import JournalWriter

#: Seconds until events are made durable, and between tries while the disk refuses.
SYNC_S = 0.2
#: Seconds that a worker with nothing left to do waits for a full disk.
LAST_WORDS_S = 120.0


class Report:
    """The journal of a worker.

    Args:
        beat_s: seconds of silence after which it says that it lives.
    """

    def __init__(self, journal: JournalWriter, beat_s: float) -> None:
        self._journal, self._beat_s = journal, beat_s
        self._spoke_at = self._synced_at = time.monotonic()
        self._is_durable = True
        self._trouble = ""
        self._trouble_since = 0.0

    @property
    def is_refused(self) -> bool:
        """Returns whether the disk refuses what we write."""
        return bool(self._trouble)

    def say(self, event: Event) -> None:
        """Writes an event; keeps it while the disk refuses."""
        self._journal.append(event)
        self._spoke_at = time.monotonic()
        self._is_durable = False

    def keep_up(self) -> None:
        """Makes events durable, repeats what the disk refused, and sends a beat if nothing was written for long."""
        now = time.monotonic()
        if not self._is_durable and now - self._synced_at >= SYNC_S:
            self._write_down(now)
        if now - self._spoke_at >= self._beat_s and not self._trouble:
            self.say(events.Beat())

    def due_in(self) -> float:
        """Returns the seconds until ``keep_up`` has something to do."""
        due = self._spoke_at + self._beat_s if self._is_durable else self._synced_at + SYNC_S
        return max(0.0, due - time.monotonic())

    def close(self) -> None:
        """Seals the journal; waits for a full disk, but not for ever."""
        give_up = time.monotonic() + LAST_WORDS_S
        while not self._journal.flush() and time.monotonic() < give_up:
            time.sleep(SYNC_S)
        self._write_down(time.monotonic())
        self._journal.seal()

    def _write_down(self, now: float) -> None:
        written = self._journal.flush()
        self._journal.sync()
        self._synced_at = now
        if not written:
            self._note_trouble(now)
            return
        self._is_durable = True
        if self._trouble:
            told, self._trouble = self._trouble, ""
            self.say(events.Trouble(f"{told}; written {now - self._trouble_since:.0f} s later"))

    def _note_trouble(self, now: float) -> None:
        if not self._trouble:
            self._trouble = f"the worker's events could not be written: {self._journal.trouble}"
            self._trouble_since = now

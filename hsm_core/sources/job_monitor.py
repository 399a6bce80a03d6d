"""Has a source's jobs polled at the right time, and tells the sweep's state what was found out."""

from __future__ import annotations

import time
from collections.abc import Mapping

from hsm_core.store.state.sweep_state import SweepState

from .interface import Polled, RunningSource
from .queue.stalled_jobs import Held
from .snapshot import SILENT_BEATS, Snapshot, snapshot_of

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


class JobMonitor:
    """Watches the jobs that a sweep has at one source.

    Args:
        beat_s: seconds between two beats of a worker.

    Attributes:
        trouble: why the source did not answer when it was last asked; empty if it did.
        hopeless: why jobs never start, by their ids.
        held: of jobs that somebody can let start.
    """

    def __init__(self, state: SweepState, source: RunningSource, *, beat_s: float = 5.0) -> None:
        self._state, self.source, self._beat_s = state, source, beat_s
        self._cadence = Cadence(time.monotonic())
        self._disturbed: set[str] = set()
        self.trouble = ""
        self.hopeless: Mapping[str, str] = {}
        self.held: Mapping[str, Held] = {}

    @property
    def whom(self) -> str:
        """Who is asked, for messages."""
        return self.source.name if self.source.kind == "host" else "the scheduler"

    def disturb(self) -> None:
        """Poll soon: something was submitted or cancelled."""
        self._cadence.disturb(time.monotonic())

    def snapshot(self) -> Snapshot:
        """Returns what the state knows of the source's jobs now."""
        return snapshot_of(self._state, self.source.name, self._beat_s)

    def is_due(self) -> bool:
        """Whether it is time to poll."""
        if not self._state.jobs or self.source.kind == "pool":
            return False
        now = time.monotonic()
        self._heed_events(now)
        return self._cadence.is_due(now)

    def not_before(self) -> float:
        """How old an answer to another sweep may be; by the machine's monotonic clock."""
        now = time.monotonic()
        return now - self._cadence.interval(now)

    def take(self, polled: Polled) -> bool:
        """Tells the state what was found out. True if there was an answer."""
        if polled.at is not None:
            self._cadence.asked(polled.at)
        if polled.ask_soon:
            self.disturb()
        self.trouble, self.hopeless, self.held = polled.trouble, polled.hopeless, polled.held
        for line in self._state.jobs.submissions() if polled.found else ():
            line.native_id = line.native_id or polled.found.get(line.name, "")
        self._state.take_job_words(polled.words)
        return polled.is_answer

    def poll(self) -> bool:
        """Polls if it is time to, and waits for the answer. True if there was one."""
        return self.is_due() and self.poll_now(self.not_before())

    def poll_now(self, not_before: float) -> bool:
        """Polls, and waits for the answer; that to another sweep serves, too, if it is not older than this."""
        return self.take(self.source.poll(self.snapshot(), not_before))

    def _heed_events(self, now: float) -> None:
        """A worker that ended or fell silent before its tasks did: its scheduler knows more."""
        holders = {task.worker for task in self._state.tasks.values() if task.state in ("running", "lost")}
        for worker in self._state.workers():
            silent = now - worker.heard_at > SILENT_BEATS * self._beat_s
            if not (silent or worker.sealed or self._state.death_of(worker.name)):
                self._disturbed.discard(worker.name)
            elif worker.name in holders and worker.name not in self._disturbed:
                self._disturbed.add(worker.name)
                self._cadence.disturb(now)

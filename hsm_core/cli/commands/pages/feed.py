"""Follows one sweep for all who look at it: what changed since a version, and now and then the whole again."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from hsm_core.model import State
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.report.content import Content, content, failures, nonzero, running

from ..results.options import rows_of
from .report import chosen_metric

#: Seconds between two looks and between two readings of all results, at least; and the share of a core for each.
_LOOK, _READ, _SHARE = 1.0, 30.0, 0.03


class Feed:
    """A sweep that is looked at while anybody asks, by one thread for all of them.

    Args:
        place: see ``SweepState``.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._state = SweepState(place)
        self._state.judge_every_s = 2.0
        self._change = threading.Condition()
        self._reading = threading.Lock()
        self._states: dict[int, tuple[State, int]] = {}
        self._numbers: Content = {}
        self._unfinished = 0
        self._failed: tuple[int, int] = (0, 0)
        self._failures: list[Content] = []
        self._content: Content = {}
        self._read_at, self._read_took, self._read_version = float("-inf"), 0.0, -1
        self._looked_at, self._took = float("-inf"), 0.0
        self.version = self.contents = 0

    @property
    def id(self) -> str:
        return self._state.record.id

    def delta(self, since: int) -> Content | None:
        """Returns what is new after a version; None if nothing is. Looks at the sweep if nobody did just now.

        Raises:
            HsmError, OSError: the sweep can't be read.
        """
        with self._change:
            if time.monotonic() - self._looked_at >= max(_LOOK, self._took / _SHARE):
                self._look()
            if self.version <= since:
                return None
            states = [[task, state] for task, (state, version) in self._states.items() if version > since]
            return {**self._numbers, "version": self.version, "content": self.contents, "states": states}

    def whole(self) -> Content:
        """Returns all that a page shows, read again if something changed and the last time is long enough ago.

        Raises:
            HsmError, OSError: the sweep can't be read.
        """
        with self._reading:
            if self._is_due() or not self._content:
                begin, before, number = time.monotonic(), self.version, self.contents
                state = SweepState(self._place)
                state.refresh()
                rows = rows_of([state])
                self._content = content([state], rows, chosen_metric([state], rows, None, None, say=False))
                self._content |= {"version": before, "content": number}
                self._read_at, self._read_version = time.monotonic(), before
                self._read_took = self._read_at - begin
            return self._content

    def _is_due(self) -> bool:
        waited = time.monotonic() - self._read_at
        is_over = not self._unfinished and waited >= _LOOK
        return self._read_version < self.version and (
            is_over or waited >= max(_READ, self._read_took / _SHARE)
        )

    def _look(self) -> None:
        begin = time.monotonic()
        self._state.refresh()
        counts = self._state.counts()
        self._unfinished = counts["pending"] + counts["queued"] + counts["running"]
        if self._failed != (failed := (counts["failed"], counts["lost"])):
            self._failed, self._failures = failed, failures(self._state)
        changed = [
            (task, now) for task in self._state.tasks
            if (now := self._state.state_of(task)) != self._states.get(task, ("pending", 0))[0]
        ]  # fmt: skip
        numbers: Content = {
            "counts": nonzero(counts),
            "failures": self._failures,
            "running": running(self._state),
        }
        if changed or numbers != self._numbers:
            self.version += 1
            self._numbers = numbers
            self._states |= {task: (now, self.version) for task, now in changed}
        if self._is_due():
            self.contents += 1
            self._read_at = time.monotonic()  # until somebody has read it
            self._content = {}
        self._looked_at = time.monotonic()
        self._took = self._looked_at - begin

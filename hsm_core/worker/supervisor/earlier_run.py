"""Examines an earlier run of the same job: what it left undone, and whether it may still be alive."""

from __future__ import annotations

import time
from collections.abc import Iterable

from hsm_core.model import Span, spans
from hsm_core.processes.identity import evidence_of_death
from hsm_core.store import events
from hsm_core.store.claims import Claimant
from hsm_core.store.journal import JournalReader
from hsm_core.store.layout import SweepPaths, TaskPaths
from hsm_core.store.outcomes import Owner, adopted_end, read_outcome
from hsm_core.store.record import read_record

_Pair = tuple[int, int]


class Predecessor:
    """A worker that ran the same batch in an earlier run of the same job.

    Args:
        claim: what it claimed the batch with.
        patience_s: after so many seconds of silence one that may live has read that it is replaced, and obeyed.
    """

    def __init__(self, paths: SweepPaths, claim: Claimant, patience_s: float) -> None:
        self._paths, self._patience_s = paths, patience_s
        self._reader = JournalReader(paths.journal(claim.worker))
        self._process = claim.process
        self._heard_at = time.monotonic()
        self._begun: dict[_Pair, events.Start] = {}
        self._ended: set[int] = set()
        self.was_warned = False

    def listen(self) -> None:
        """Reads its newest words."""
        try:
            news = self._reader.read_new()
        except FileNotFoundError:
            return
        for event in news:
            self._heard_at = time.monotonic()
            if isinstance(event, events.Start):
                self._begun[event.task, event.attempt] = event
            elif isinstance(event, (events.End, events.Cancel)):
                self._ended.add(event.task)
            elif isinstance(event, events.Warned):
                self.was_warned = True

    def may_live(self) -> bool:
        """Returns whether it may be alive: no last word, no proof of death, not silent for long enough."""
        if self._reader.sealed or evidence_of_death(self._process):
            return False
        return time.monotonic() - self._heard_at < self._patience_s

    def has_ended(self, task: int) -> bool:
        """Returns whether the task needs no further attempt."""
        return task in self._ended

    def untold(self) -> list[events.End]:
        """Yields the ends of attempts whose outcome is on disk, but which it died before reporting."""
        found = []
        for (task, attempt), begun in self._begun.items():
            if task in self._ended:
                continue
            files = TaskPaths(self._paths.root / begun.directory, begun.suffix)
            owner = Owner(read_record(self._paths).id, task, attempt)
            outcome = read_outcome(files, owner)
            if outcome is not None:
                self._ended.add(task)
                found.append(adopted_end(owner, outcome))
        return found


def left_undone(found: Iterable[Span], earlier: Iterable[Predecessor], again: int) -> tuple[Span, ...]:
    """Returns what remains to be done of a batch, as the attempts of its run number ``again``."""
    before = list(earlier)
    pairs = [
        (task, attempt + again)
        for span in found
        for task, attempt in span
        if not any(one.has_ended(task) for one in before)
    ]
    return spans(pairs)

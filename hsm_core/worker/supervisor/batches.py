"""Supplies a worker with attempts: from its one batch, or from an inbox that a conductor fills."""

from __future__ import annotations

import os
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from hsm_core.model import ProcessIdentity, Span
from hsm_core.processes.identity import evidence_of_death
from hsm_core.store import events
from hsm_core.store.claims import Claim, claim_batch, is_claimed_again
from hsm_core.store.journal import JournalReader
from hsm_core.store.layout import LaunchPaths, SweepPaths
from hsm_core.store.submission import order_of, read_submission
from hsm_core.store.tasks import TaskTable

from ..job import JobFacts
from .earlier_run import Predecessor, left_undone
from .queue import AttemptQueue
from .report import Report


@dataclass(frozen=True)
class _Held:
    """A claimed batch on which an earlier run of our job may still be working."""

    batch: str
    boot: Path
    spans: tuple[Span, ...]
    again: int
    earlier: list[Predecessor]


class ClaimedBatches:
    """Claims batches and hands out their attempts in order.

    Args:
        patience_s: seconds of silence after which an earlier run of our job is taken to have ended.

    Attributes:
        waiting: what is claimed and not started.
        launch: name of the newest launch that something was assigned of.
        warnings: how many earlier runs of our job came near their time limit.
    """

    def __init__(
        self, paths: SweepPaths, worker: str, job: JobFacts, me: ProcessIdentity, report: Report,
        patience_s: float,
    ) -> None:  # fmt: skip
        self._paths, self._worker, self._job, self._me = paths, worker, job, me
        self._report, self._patience_s = report, patience_s
        self._table: TaskTable | None = None
        self._assigned: deque[str] = deque()
        self._held: list[_Held] = []
        self._claims: dict[str, Claim] = {}
        self.waiting = AttemptQueue()
        self.launch = ""
        self.warnings = 0

    def __bool__(self) -> bool:
        return bool(self.waiting or self._assigned or self._held)

    def assign(self, batch: str) -> None:
        """Notes a batch that is to be claimed."""
        self._assigned.append(batch)
        self.launch = batch.partition("/")[0]

    def claim(self) -> None:
        """Claims the assigned batches, except those that another worker has.

        Raises:
            OSError: the disk refuses; what is not claimed stays assigned.
        """
        while self._assigned:
            self._claim(self._assigned[0])
            self._assigned.popleft()
        self._held = [held for held in self._held if not self._take_over(held)]

    def drop_all(self) -> None:
        """Drops all attempts that have not started, without reporting on them."""
        self._assigned.clear()
        self._held.clear()
        self.waiting.drop()

    def is_superseded(self) -> bool:
        """Returns whether our own job is run again: then the new run has all of our batches."""
        claims = self._claims.items() if self._job.native_id else ()
        return any(is_claimed_again(self._paths, batch, claim) for batch, claim in claims)

    def overrides(self, task: int) -> tuple[str, ...]:
        """Returns the exact overrides of a task."""
        if self._table is None:
            self._table = TaskTable(self._paths)
        return self._table[task].overrides

    def _claim(self, batch: str) -> None:
        submission, _, number = batch.rpartition("/")
        found = read_submission(self._paths, submission, to_act=True)
        spans = found.batches[int(number)]
        claim = claim_batch(
            self._paths, batch, worker=self._worker, native_id=self._job.native_id,
            restart=self._job.restart, process=self._me,
        )  # fmt: skip
        if claim is None:
            self._report.say(events.Trouble(f"another worker runs {batch}: nothing to do"))
            return
        self._claims[batch] = claim
        self._table = None  # a launch may have brought tasks
        boot = LaunchPaths(self._paths.hsm / found.payload).boot
        if claim.again:
            earlier = [Predecessor(self._paths, one, self._patience_s) for one in claim.earlier]
            self._held.append(_Held(batch, boot, spans, claim.again, earlier))
        else:
            self._report.say(events.Claimed(batch, spans))
            self.waiting.add(boot, spans)

    def _take_over(self, held: _Held) -> bool:
        """Takes over what earlier runs of our job left, once none of them can be alive."""
        for one in held.earlier:
            one.listen()
        if any(one.may_live() for one in held.earlier):
            return False
        for end in [end for one in held.earlier for end in one.untold()]:
            self._report.say(end)
        self.warnings = sum(one.was_warned for one in held.earlier)
        spans = left_undone(held.spans, held.earlier, held.again)
        self._report.say(events.Claimed(held.batch, spans))
        self.waiting.add(held.boot, spans)
        return True


class Inbox:
    """The batches that a conductor assigns to this worker, line by line.

    Attributes:
        closed: no more will come.
    """

    def __init__(self, path: Path) -> None:
        self._reader = JournalReader(path)
        self._conductor: ProcessIdentity | None = None
        self.closed = False

    def read_new(self) -> list[str]:
        """Returns the batches assigned since the last call."""
        batches = []
        for event in self._reader.read_new():
            if isinstance(event, events.Assigned):
                batches.append(event.batch)
            elif isinstance(event, events.ConductorHead):
                self._conductor = event.process
        self.closed = self.closed or self._reader.sealed
        return batches

    def is_abandoned(self) -> bool:
        """Returns whether the conductor is certainly dead."""
        return self._conductor is not None and evidence_of_death(self._conductor) is not None


class Fences:
    """The attempts that others have replaced by later ones, as the conductors' journals say.

    Args:
        submission: the only one that the worker works on; None for one that takes what its inbox says.
    """

    def __init__(self, paths: SweepPaths, submission: str | None) -> None:
        self._paths = paths
        self._own = None if submission is None else order_of(submission)
        self._readers: dict[str, JournalReader] = {}

    def read_new(self) -> list[tuple[Span, int]]:
        """Yields tasks submitted anew since the last call, with the attempt below which ours are replaced."""
        found = []
        for name in os.listdir(self._paths.events):
            if name.startswith("conductor-") and name.endswith(".jsonl"):
                reader = self._readers.setdefault(name, JournalReader(self._paths.events / name))
                for event in reader.read_new():
                    if isinstance(event, events.Submit):
                        found += [(span, below) for span in event.tasks if (below := self._below(event, span))]
        return found

    def _below(self, later: events.Submit, span: Span) -> int:
        """Returns the attempt number below which ours are replaced; a later submission replaces all of them."""
        if self._own is None:
            return span.attempt if span.attempt > 1 else 0
        return sys.maxsize if order_of(later.submission) > self._own else 0

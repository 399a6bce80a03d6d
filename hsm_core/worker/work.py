"""Where a worker's attempts come from: its one batch, or an inbox that a conductor fills."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from hsm_core.model import ProcessIdentity, Span
from hsm_core.store import events
from hsm_core.store.claims import claim_batch
from hsm_core.store.journal import JournalReader
from hsm_core.store.layout import LaunchPaths, SweepPaths
from hsm_core.store.liveness import evidence_of_death
from hsm_core.store.submission import read_submission
from hsm_core.store.tasks import TaskTable

from .report import Report
from .waiting import Waiting


class Work:
    """Claims batches and hands out their attempts in order.

    Attributes:
        waiting: what is claimed and not started.
        launch: name of the newest launch that something was assigned of.
    """

    def __init__(
        self, paths: SweepPaths, worker: str, native_id: str, me: ProcessIdentity, report: Report
    ) -> None:
        self._paths, self._worker, self._native_id, self._me = paths, worker, native_id, me
        self._report = report
        self._table: TaskTable | None = None
        self._assigned: deque[str] = deque()
        self.waiting = Waiting()
        self.launch = ""

    def __bool__(self) -> bool:
        return bool(self.waiting or self._assigned)

    def assign(self, batch: str) -> None:
        """Note a batch that is to be claimed."""
        self._assigned.append(batch)
        self.launch = batch.partition("/")[0]

    def claim(self) -> None:
        """Claim what was assigned, each batch unless another worker has it.

        Raises:
            OSError: the disk refuses; what is not claimed stays assigned.
        """
        while self._assigned:
            self._claim(self._assigned[0])
            self._assigned.popleft()

    def overrides(self, task: int) -> tuple[str, ...]:
        """The exact overrides of a task."""
        if self._table is None:
            self._table = TaskTable(self._paths)
        return self._table[task].overrides

    def _claim(self, batch: str) -> None:
        submission, _, number = batch.rpartition("/")
        found = read_submission(self._paths, submission)
        spans = found.batches[int(number)]
        is_ours = claim_batch(
            self._paths, batch, worker=self._worker, native_id=self._native_id, restart=0, process=self._me
        )
        if is_ours:
            self._report.say(events.claim(batch, spans))
            self._table = None  # a launch may have brought tasks
            self.waiting.add(LaunchPaths(self._paths.hsm / found.payload).boot, spans)


class Inbox:
    """What a conductor assigns to this worker, line by line.

    Attributes:
        closed: no more will come.
    """

    def __init__(self, path: Path) -> None:
        self._reader = JournalReader(path)
        self._conductor: ProcessIdentity | None = None
        self.closed = False

    def read_new(self) -> list[str]:
        """The batches assigned since the last look."""
        batches = []
        for line in self._reader.read_new():
            if line["e"] == "batch":
                batches.append(line["batch"])
            elif line["e"] == "conductor":
                self._conductor = ProcessIdentity(line["host"], line["boot"], line["pid"], line["start"])
        self.closed = self.closed or self._reader.sealed
        return batches

    def is_abandoned(self) -> bool:
        """True when the conductor is certainly dead."""
        return self._conductor is not None and evidence_of_death(self._conductor) is not None


class Fences:
    """Attempts that others have replaced by later ones, as the conductors' journals say."""

    def __init__(self, paths: SweepPaths) -> None:
        self._paths = paths
        self._readers: dict[str, JournalReader] = {}

    def read_new(self) -> list[Span]:
        """Later attempts submitted since the last look."""
        found = []
        for name in os.listdir(self._paths.events):
            if name.startswith("conductor-") and name.endswith(".jsonl"):
                reader = self._readers.setdefault(name, JournalReader(self._paths.events / name))
                for line in reader.read_new():
                    if line["e"] == "submit":
                        found += [Span(*span) for span in line["tasks"] if span[2] > 1]
        return found

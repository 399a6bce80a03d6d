"""Where a worker's attempts come from: its one batch, or an inbox that a conductor fills."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from hsm_core.model import ProcessIdentity, Span
from hsm_core.store import events
from hsm_core.store.claims import claim_batch
from hsm_core.store.journal import JournalReader, JournalWriter
from hsm_core.store.layout import LaunchPaths, SweepPaths
from hsm_core.store.liveness import evidence_of_death
from hsm_core.store.submission import read_submission
from hsm_core.store.tasks import TaskTable


@dataclass(frozen=True)
class Pending:
    """An attempt that waits for a slot."""

    task: int
    attempt: int
    boot: Path


class Work:
    """Claims batches and hands out their attempts in order."""

    def __init__(
        self, paths: SweepPaths, worker: str, native_id: str, me: ProcessIdentity, journal: JournalWriter
    ) -> None:
        self._paths, self._worker, self._native_id, self._me = paths, worker, native_id, me
        self._journal = journal
        self._table: TaskTable | None = None
        self.waiting: deque[Pending] = deque()
        self.launch = ""

    def claim(self, batch: str) -> bool:
        """Take a batch, unless another worker has it."""
        submission, _, number = batch.rpartition("/")
        found = read_submission(self._paths, submission)
        spans = found.batches[int(number)]
        if not claim_batch(
            self._paths, batch, worker=self._worker, native_id=self._native_id, restart=0, process=self._me
        ):
            return False
        self._journal.append(events.claim(batch, spans))
        self.launch = batch.split("/")[0]
        self._table = None
        boot = LaunchPaths(self._paths.hsm / found.payload).boot
        self.waiting.extend(Pending(task, attempt, boot) for span in spans for task, attempt in span)
        return True

    def overrides(self, task: int) -> tuple[str, ...]:
        """The exact overrides of a task."""
        if self._table is None:
            self._table = TaskTable(self._paths)
        return self._table[task].overrides


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

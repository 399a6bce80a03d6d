"""What the server remembers across its own death."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

from .jobs import STARTING, Job
from .lifecycle import requeued

SEQUENCE_JUMP = 1000


class Memory:
    """Jobs by number, a file each; ``changed`` are those whose file is behind."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool
        self.jobs: dict[int, Job] = {}
        self.changed: set[int] = set()
        self.next_seq = self.saved_seq = 0

    def load(self) -> None:
        """Take up what an earlier server left; its youngest jobs are put back and so run twice."""
        self.spool.mkdir(exist_ok=True)
        for path in sorted(self.spool.glob("*.job"), key=lambda p: int(p.stem)):
            job: Job = pickle.loads(path.read_bytes())
            self.jobs[job.seq] = job
            for element in job.live:
                if element.substate == STARTING:
                    requeued(element)
                    self.changed.add(job.seq)
        counter = self.spool / "next"
        if counter.exists():
            self.next_seq = (int(counter.read_text()) // SEQUENCE_JUMP + 1) * SEQUENCE_JUMP
        self.save()

    def next_number(self) -> int:
        """A number for a submission, which a refusal uses up too."""
        self.next_seq += 1
        return self.next_seq - 1

    def save(self) -> None:
        """Everything that changed is on disk before anyone is told."""
        for seq in self.changed:
            path = self.spool / f"{seq}.job"
            if seq in self.jobs:
                replace(path, pickle.dumps(self.jobs[seq]))
            else:
                path.unlink(missing_ok=True)
        self.changed.clear()
        if self.saved_seq != self.next_seq:
            replace(self.spool / "next", str(self.next_seq).encode())
            self.saved_seq = self.next_seq


def replace(path: Path, data: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(data)
    os.replace(new, path)

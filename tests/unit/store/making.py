"""Makes real sweep directories through the store's own writers, with real processes as workers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hsm_core.model import ProcessIdentity, Span
from hsm_core.processes.identity import identify, this_process
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import SweepPaths, TaskPaths
from hsm_core.store.record import SourceRecord, SweepRecord, create_record, new_id
from hsm_core.store.sweeps import catalogue
from hsm_core.store.tasks import write_tasks

LOCAL = SourceRecord("local", "pool")
ELSEWHERE = ProcessIdentity("another-node", "another-boot", 4711, "1")


class MadeSweep:
    """A sweep of ``total`` tasks with overrides ``lr=<n>``, on the user's list."""

    def __init__(self, root: Path, total: int | None = 4, name: str = "demo", **facts: Any) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root, self.paths = root, SweepPaths(root)
        count = facts.pop("tasks", total or 0)
        overrides = facts.pop("task_overrides", [[f"lr={number}"] for number in range(count)])
        begun = {"created": "2026-01-01T00:00:00", "launcher": "hsm_local", "sweeper": "hsm"}
        known = {**begun, "sources": (LOCAL,), **facts}
        self.record = SweepRecord(id=new_id(name), name=name, dir=str(root), total=total, **known)
        create_record(self.paths, self.record)
        write_tasks(self.paths, 0, overrides)
        catalogue.remember(self.record, root)

    @property
    def id(self) -> str:
        return self.record.id

    def files(self, task: int) -> TaskPaths:
        """Where our files of a task go, in a directory that is there."""
        found = TaskPaths(self.root / str(task))
        found.hsm.mkdir(parents=True, exist_ok=True)
        return found

    def worker(
        self, name: str, process: ProcessIdentity | None = None, spans: Sequence[Span] = (), node: str = ""
    ) -> JournalWriter:
        """A worker's journal with its first line, and a claim of ``spans``."""
        writer = JournalWriter(self.paths.journal(name))
        identity = process or this_process()
        writer.append(events.WorkerHead(name, identity, source="local", native_id="", lock="", slots=2, node=node))
        if spans:
            writer.append(events.Claimed("launch-0/submit-0/0", spans))
        return writer

    def conductor(self, spans: Sequence[Span], job: ProcessIdentity | None = None) -> JournalWriter:
        """A conductor's journal with a submission of ``spans`` to the process ``job``."""
        writer = JournalWriter(self.paths.journal("conductor-a"))
        writer.append(events.ConductorHead("conductor-a", this_process()))
        writer.append(events.Submit("launch-0/submit-0", token="t", tasks=spans, source="local"))
        writer.append(events.HandedOver("launch-0/submit-0", native_id="77.cluster", job=job))
        return writer


def start(writer: JournalWriter, task: int, attempt: int = 1) -> None:
    writer.append(events.Start(task, attempt, directory=str(task), suffix="", slot=0, pid=1, host="here"))


def complete(writer: JournalWriter, *tasks: int, attempt: int = 1) -> None:
    for task in tasks:
        start(writer, task, attempt)
        writer.append(events.End(task, attempt, "completed", wall=1.0))


def fail(writer: JournalWriter, task: int, message: str, reason: Any = "exception", **details: Any) -> None:
    start(writer, task)
    writer.append(events.End(task, 1, "failed", reason, message, **details))


@contextmanager
def real_process() -> Iterator[tuple[subprocess.Popen[bytes], ProcessIdentity]]:
    """A process that does nothing, to be a worker that can really be killed."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        yield process, identify(process.pid)
    finally:
        process.kill()
        process.wait()


def killed_process() -> ProcessIdentity:
    """The identity of a process that was killed with SIGKILL and is gone."""
    with real_process() as (_, identity):
        return identity

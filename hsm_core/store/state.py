"""What the events of a sweep add up to.

Within an attempt the stronger word wins, whatever the order of reading:
queued < running < lost < cancelled < failed < completed.
A later attempt beats an earlier one from the moment its submission is written down (that is the fence).
Clocks decide nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hsm_core.model import ProcessIdentity, Span, State

from .journal import JournalReader
from .layout import SweepPaths, TaskPaths
from .liveness import evidence_of_death
from .record import SweepRecord, read_record
from .tasks import TaskTable

_RANK = {"queued": 0, "running": 1, "lost": 2, "cancelled": 3, "failed": 4, "completed": 5}
Line = dict[str, Any]


class TaskState:
    """What is known of a task's newest attempt.

    Attributes:
        state: as the events say; see ``SweepState.state_of`` for what follows from dead workers.
        begun: the ``start`` line; None before the task's directory was known.
        last: the line that made the state.
        worker: who wrote ``begun``.
    """

    __slots__ = ("attempt", "begun", "last", "state", "worker")

    def __init__(self, attempt: int, state: State, last: Line | None = None) -> None:
        self.attempt, self.state, self.last = attempt, state, last
        self.begun: Line | None = None
        self.worker = ""


@dataclass
class WriterState:
    """A worker or conductor, by its own words."""

    name: str
    head: Line = field(default_factory=dict)
    sealed: bool = False
    last_at: float = 0.0
    broken: Line | None = None
    ready: Line | None = None
    trouble: str = ""
    claimed: list[Span] = field(default_factory=list)

    @property
    def identity(self) -> ProcessIdentity | None:
        return _identity(self.head)

    def death(self) -> str | None:
        """Evidence that it is gone; None if it lives, ended properly or cannot be judged from here."""
        identity = self.identity
        if self.sealed or identity is None:
            return None
        return evidence_of_death(identity, str(self.head.get("lock") or ""))


class SweepState:
    """The fold of a sweep's events, brought up to date by ``refresh``."""

    def __init__(self, root: Path) -> None:
        self.paths = SweepPaths(root)
        self.record: SweepRecord = read_record(self.paths)
        self.total = self.record.total or 0
        self.tasks: dict[int, TaskState] = {}
        self.writers: dict[str, WriterState] = {}
        self.submissions: list[Line] = []
        self.bad_lines = 0
        self._readers: dict[str, JournalReader] = {}
        self._deaths: dict[str, str | None] = {}
        self._orphans: set[int] | None = None

    def refresh(self) -> bool:
        """Read what is new and look again who is dead. True if anything was new.

        Raises:
            OSError: the events can't be read.
        """
        if self.record.total is None:
            self.total = len(TaskTable(self.paths))
        news = False
        for name in sorted(os.listdir(self.paths.events)):
            if name.endswith(".jsonl"):
                news |= self._read(name[: -len(".jsonl")])
        news |= self._look_who_is_dead()
        self.bad_lines = sum(reader.bad_lines for reader in self._readers.values())
        self._orphans = None
        return news

    def state_of(self, number: int) -> State:
        """A task's state, and what follows from dead workers: running there is lost, queued pending."""
        task = self.tasks.get(number)
        if task is None:
            return "pending"
        if task.state == "running" and self._deaths.get(task.worker):
            return "lost"
        if task.state == "queued" and number in self._orphaned():
            return "pending"
        return task.state

    def evidence_of(self, number: int) -> str:
        """Why a task is called lost."""
        task = self.tasks[number]
        if task.state == "lost" and task.last:
            return str(task.last.get("evidence", ""))
        return self._deaths.get(task.worker) or ""

    def counts(self) -> Counter[State]:
        """How many tasks are in which state."""
        found: Counter[State] = Counter(map(self.state_of, self.tasks))
        found["pending"] += self.total - len(self.tasks)
        return found

    def task_directory(self, number: int) -> TaskPaths | None:
        """Where a task's files are; None before it said so."""
        task = self.tasks.get(number)
        if task is None or task.begun is None:
            return None
        return TaskPaths(self.paths.root / task.begun["dir"], task.begun.get("suffix", ""))

    def workers(self) -> Iterator[WriterState]:
        return (writer for writer in self.writers.values() if writer.head.get("e") == "worker")

    def death_of(self, writer: str) -> str | None:
        """Evidence at the last refresh that a worker or conductor is dead."""
        return self._deaths.get(writer)

    def _read(self, name: str) -> bool:
        reader = self._readers.setdefault(name, JournalReader(self.paths.journal(name)))
        events = reader.read_new()
        writer = self.writers.setdefault(name, WriterState(name))
        for event in events:
            self._add(writer, event)
        if events:
            writer.last_at = events[-1].get("at", writer.last_at)
        writer.sealed = reader.sealed
        return bool(events)

    def _add(self, writer: WriterState, event: Line) -> None:
        kind = event["e"]
        if kind == "start":
            task = self._raise(event["t"], event["a"], "running", event)
            if task:
                task.begun, task.worker = event, writer.name
        elif kind == "end":
            task = self._raise(event["t"], event["a"], event["state"], event)
            if task and not task.worker:
                task.worker = writer.name
        elif kind == "lost":
            self._raise(event["t"], event["a"], "lost", event)
        elif kind == "cancel":
            self._raise(event["t"], event["a"], "cancelled", event)
        elif kind == "submit":
            self.submissions.append(event)
            self._queue(event["tasks"])
        elif kind in ("worker", "conductor"):
            writer.head = event
        elif kind == "claim":
            writer.claimed += [Span(*span) for span in event["tasks"]]
        elif kind == "ready":
            writer.ready = event
        elif kind == "broken":
            writer.broken = event
        elif kind == "trouble":
            writer.trouble = event["message"]

    def _raise(self, number: int, attempt: int, state: State, event: Line) -> TaskState | None:
        """Take a stronger word; returns the task if the event is of its newest attempt."""
        task = self.tasks.get(number)
        if task is None or attempt > task.attempt:
            self.tasks[number] = task = TaskState(attempt, state, event)
        elif attempt == task.attempt and _RANK[state] > _RANK[task.state]:
            task.state, task.last = state, event
        return task if attempt == task.attempt else None

    def _queue(self, found: list[list[int]]) -> None:
        for first, count, attempt in found:
            for number in range(first, first + count):
                task = self.tasks.get(number)
                if task is None or attempt > task.attempt:
                    self.tasks[number] = TaskState(attempt, "queued")

    def _look_who_is_dead(self) -> bool:
        """Judge every writer; what one wrote between the last reading and its end is read too."""
        news = False
        deaths = {name: writer.death() for name, writer in self.writers.items() if not writer.sealed}
        for name, evidence in deaths.items():
            if evidence and not self._deaths.get(name):
                news |= self._read(name)
        self._deaths = {name: None if self.writers[name].sealed else found for name, found in deaths.items()}
        return news

    def _orphaned(self) -> set[int]:
        """Queued tasks that nothing will start, as every holder is dead or gone; found once a refresh."""
        if self._orphans is None:
            queued = {(number, task.attempt) for number, task in self.tasks.items() if task.state == "queued"}
            self._orphans = {number for number, _ in self._without_holder(queued)} if queued else set()
        return self._orphans

    def _without_holder(self, queued: set[tuple[int, int]]) -> set[tuple[int, int]]:
        """Those that no living worker claimed, and where none did at all, no living job was given."""
        claimed: set[tuple[int, int]] = set()
        held: set[tuple[int, int]] = set()
        for writer in self.workers():
            pairs = queued.intersection(pair for span in writer.claimed for pair in span)
            claimed |= pairs
            if not (writer.sealed or self._deaths.get(writer.name)):
                held |= pairs
        for line in self.submissions:
            job = _identity(line.get("job") or {})
            if job is None or not evidence_of_death(job):
                held |= queued.intersection(pair for span in line["tasks"] for pair in Span(*span)) - claimed
        return queued - held


def _identity(line: Line) -> ProcessIdentity | None:
    try:
        return ProcessIdentity(line["host"], line["boot"], line["pid"], line["start"])
    except KeyError:
        return None

"""The state of a sweep: its events, and what follows from who is dead and which jobs have ended."""

from __future__ import annotations

import operator
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from hsm_core.model import State
from hsm_core.processes.identity import evidence_of_death, identity_in

from ..journal import JournalReader
from ..layout import SweepPaths, TaskPaths
from ..record import SweepRecord, read_record
from .event_scan import Line, glance, parse
from .fold import Fold, Pair
from .jobs import JobWord, Key, order_of
from .task_state import WriterState
from .unclaimed import unheld

#: Seconds without a beat after which a worker whose job waits in the queue is not taken to run.
SILENT_S = 30.0
_STATE = operator.attrgetter("state")
_WORDS: dict[bytes, State] = {
    b"": "running", b"completed": "completed", b"failed": "failed", b"cancelled": "cancelled",
}  # fmt: skip


class SweepState:
    """A sweep, brought up to date by ``refresh``.

    Args:
        place: its directory, or what else stands for it, see ``SweepPaths.place``.

    Attributes:
        tasks: by number; a task that nobody spoke of is not among them.
        submissions: with what became of them, in the order of reading.
        judge_every_s: seconds for which a look at who is dead holds; for who looks again and again.
        version: grows with all that a task's state may follow from.
    """

    def __init__(self, place: Path) -> None:
        self.paths = SweepPaths.at(place)
        self.record: SweepRecord = read_record(self.paths)
        self.total = self.record.total or 0
        self._fold = Fold(f"the sweep in {place}")
        self.tasks, self.submissions, self.jobs = self._fold.tasks, self._fold.submissions, self._fold.jobs
        self.writers: dict[str, WriterState] = {}
        self.bad_lines = 0
        self._readers: dict[str, JournalReader] = {}
        self._deaths: dict[str, str | None] = {}
        self.judge_every_s = 0.0
        self._judged_at = float("-inf")
        self._read_out: set[str] = set()
        self.version = 0
        self._orphans: set[int] | None = None

    def refresh(self) -> bool:
        """Read what is new and look again who is dead. True if anything was new.

        Raises:
            OSError: the events can't be read.
        """
        if self.record.total is None:
            self.total = _count_tasks(self.paths)
        news = False
        for name in sorted(set(os.listdir(self.paths.events)) - self._read_out):
            if name.endswith(".jsonl"):
                news |= self._read(name[: -len(".jsonl")])
        news |= self._look_who_is_dead()
        if news:
            self.bad_lines = sum(reader.bad_lines for reader in self._readers.values())
            self._learn()
        return news

    def see(self, words: Mapping[Key, JobWord]) -> None:
        """Take in what schedulers just said of their jobs."""
        self.jobs.words = words
        self._learn()

    def state_of(self, number: int) -> State:
        """A task's state, and what follows from dead workers and ended jobs: queued there is pending.

        An attempt that is lost while its job lives on is not yet given up: the job may be run again.
        """
        task = self.tasks.get(number)
        if task is None:
            return "pending"
        if task.state == "queued":
            return self._state_of_queued(number)
        if task.state not in ("running", "lost"):
            return task.state
        job = self.jobs.word_on(number)
        waits = job is not None and job.phase == "waiting"
        if task.is_given_up:
            return "queued" if waits and self._has_left(task.worker) else "lost"
        if ended := self.ended_job(number):
            return ended.state
        if task.state == "lost" or self.death_of(task.worker):
            return "lost" if job is None else "queued" if waits else "running"
        return "queued" if waits and self._is_silent(task.worker) else "running"

    def _has_left(self, worker: str) -> bool:
        """What a scheduler said of its job may be older than what it said itself."""
        return bool(self.death_of(worker)) or self._is_silent(worker)

    def _is_silent(self, worker: str) -> bool:
        """Of a worker on another host this is all that tells that its job waits to be run again."""
        known = self.writers.get(worker)
        return known is not None and time.monotonic() - known.heard_at > SILENT_S

    def ending_of(self, number: int) -> Line:
        """The line that tells why a task is not going on; what its scheduler said, where its worker did not."""
        task = self.tasks.get(number)
        if task is None:
            return {}
        ended = self.ended_job(number) if task.state in ("queued", "running", "lost") else None
        if ended is None or task.is_given_up or (ended.reason == "unknown" and task.state == "lost" and task.last):
            return task.last or {}
        return {"reason": ended.reason, "message": ended.evidence, "evidence": ended.evidence}

    def evidence_of(self, number: int) -> str:
        """Why a task is called lost."""
        ending = self.ending_of(number)
        if "evidence" in ending:
            return str(ending["evidence"])
        return self.death_of(self.tasks[number].worker) or ""

    def _state_of_queued(self, number: int) -> State:
        if number not in self._orphaned():
            return "queued"
        ended = self.ended_job(number)
        if ended is None:
            return "pending"
        is_refused = ended.state == "failed" and ended.reason == "launch"  # and would be again
        return ended.state if ended.state == "cancelled" or is_refused else "pending"

    def ended_job(self, number: int) -> JobWord | None:
        """The end of the job that held a task, as a conductor wrote it down or a scheduler just said."""
        gone = self._fold.gone
        written = gone.get((number, self.tasks[number].attempt)) if gone else None
        if written is not None:
            node = written.get("node", "")
            return JobWord("ended", written["state"], written["reason"], written["evidence"], node=node)
        word = self.jobs.word_on(number)
        return word if word is not None and word.phase == "ended" else None

    def node_of(self, number: int) -> str:
        """Where a task ran, or its job, by its scheduler's name for it; empty where nobody knows."""
        worker = self._worker_of(number)
        host = worker.get("node") or worker.get("host")
        ended = self.ended_job(number) if number in self.tasks and not host else None
        return str(host or (ended.node if ended else ""))

    def ended_before(self, number: int) -> JobWord | None:
        """Of a pending task, the end of the job that held it and did not begin it."""
        if number not in self.tasks or self.state_of(number) != "pending":
            return None
        return self.ended_job(number)

    def refusal(self) -> Line | None:
        """The ``refused`` line of the newest submission, unless something was accepted since."""
        refusals = self._fold.refusals
        if not refusals:
            return None
        newest = max(refusals, key=order_of)
        accepted = (order_of(line["submission"]) for line in self.submissions if "native_id" in line)
        return None if max(accepted, default=()) > order_of(newest) else refusals[newest]

    def is_gone(self, number: int) -> bool:
        """True once it is written down that the job which held the newest attempt has ended without its word."""
        return self.is_given_up((number, self.tasks[number].attempt))

    def is_given_up(self, pair: Pair) -> bool:
        """The same of a task's attempt, newest or not."""
        return pair in self._fold.gone

    def unrecorded_end(self, number: int) -> JobWord | None:
        """That the job which held a task has ended, where a scheduler just said so and nobody wrote it down."""
        word = self.jobs.word_on(number)
        if word is None or word.phase != "ended" or self.is_gone(number):
            return None
        return word

    def native_id_of(self, number: int) -> str:
        """The scheduler's id of the job that began a task's newest attempt; empty if none did."""
        return str(self._worker_of(number).get("native_id") or "")

    def counts(self) -> Counter[State]:
        """How many tasks are in which state."""
        found: Counter[State] = Counter(map(_STATE, self.tasks.values()))
        if found["running"] or found["queued"] or (found["lost"] and self.jobs):
            found = Counter(map(self.state_of, self.tasks))
        found["pending"] += self.total - len(self.tasks)
        return found

    def numbers_in(self, *states: State) -> list[int]:
        """The tasks in one of these states, ascending."""
        if "pending" in states:
            return [number for number in range(self.total) if self.state_of(number) in states]
        doubtful = ("queued", "running", "lost") if self.jobs else ("running",)
        found = [
            number for number, task in self.tasks.items() if task.state in states or task.state in doubtful
        ]
        return sorted(number for number in found if self.state_of(number) in states)

    def task_directory(self, number: int) -> TaskPaths | None:
        """Where a task's files are; None before it said so."""
        task = self.tasks.get(number)
        if task is None or task.begun is None:
            return None
        files = TaskPaths(self.paths.root / task.begun["dir"], task.begun.get("suffix", ""))
        aside = files.of_sweep(self.record.id)
        return TaskPaths(files.root, files.suffix, aside.hsm) if aside.outcome.exists() else files

    def resources_of(self, number: int) -> Line:
        """What the job that began a task's newest attempt had asked its scheduler for."""
        return dict(self._worker_of(number).get("resources") or {})

    def _worker_of(self, number: int) -> Line:
        """The first line of the worker that began a task's newest attempt; empty if none did."""
        task = self.tasks.get(number)
        writer = self.writers.get(task.worker) if task else None
        return writer.head if writer else {}

    def worker_log(self, worker: str) -> Path:
        """What a worker printed itself; in a scheduler's job that is the job's own log."""
        known = self.writers.get(worker)
        log = known.head.get("log") if known else None
        return self.paths.logs / str(log) if log else self.paths.worker_log(worker)

    def workers(self) -> Iterator[WriterState]:
        return (writer for writer in self.writers.values() if writer.head.get("e") == "worker")

    def death_of(self, writer: str) -> str | None:
        """Evidence at the last refresh that a worker or conductor is gone."""
        known = self.writers.get(writer)
        if known is not None and known.sealed:
            return f"{writer} ended without reporting it"
        return self._deaths.get(writer)

    def _learn(self) -> None:
        self.version, self._orphans = self.version + 1, None

    def _read(self, name: str) -> bool:
        reader = self._readers.get(name)
        is_new = reader is None
        if reader is None:
            reader = self._readers[name] = JournalReader(self.paths.journal(name))
            self.writers[name] = WriterState(name)
        data = reader.read_lines()
        if not data:
            return False
        writer = self.writers[name]
        last: Line | bytes = b""
        add_word = self._fold.add_word
        for line, end, task, attempt, state in glance(data):
            if task and bool(end) == bool(state):
                last = line
                add_word(writer, int(task), int(attempt), _WORDS[state], line)
            elif event := reader.parse(line):
                last = event
                reader.bad_lines += not self._is_understood(writer, event)
        writer.last_at = parse(last).get("at", writer.last_at)
        writer.sealed = reader.sealed
        if reader.sealed:
            self._read_out.add(f"{name}.jsonl")
        age = max(0.0, time.time() - writer.last_at) if is_new else 0.0  # by two clocks, as there is nothing better
        writer.heard_at = time.monotonic() - age
        return True

    def _is_understood(self, writer: WriterState, event: Line) -> bool:
        try:
            self._fold.add(writer, event)
        except (KeyError, TypeError, ValueError):
            return False
        return True

    def _look_who_is_dead(self) -> bool:
        """Judge every writer; what one wrote between the last reading and its end is read too."""
        now, news = time.monotonic(), False
        if now - self._judged_at < self.judge_every_s:
            return False
        self._judged_at = now
        self._learn()
        deaths = {name: self._death(writer) for name, writer in self.writers.items() if not writer.sealed}
        for name, evidence in deaths.items():
            if evidence and not self._deaths.get(name):
                news |= self._read(name)
        self._deaths = {name: None if self.writers[name].sealed else found for name, found in deaths.items()}
        return news

    def _death(self, writer: WriterState) -> str | None:
        """Evidence that a writer is gone; one whose first line is damaged is judged by its submission."""
        if writer.head:
            return writer.death()
        jobs = [line.get("job") for line in self.submissions if line.get("native_id") == writer.name]
        identity = identity_in(jobs[0] or {}) if jobs else None
        return evidence_of_death(identity) if identity else None

    def _orphaned(self) -> set[int]:
        """Queued tasks that nothing will start, as every holder is dead or gone; found once for all that is known."""
        if self._orphans is None:
            queued = {(number, task.attempt) for number, task in self.tasks.items() if task.state == "queued"}
            self._orphans = {number for number, _ in unheld(self, queued)} if queued else set()
        return self._orphans


def _count_tasks(paths: SweepPaths) -> int:
    from ..tasks import TaskTable

    return len(TaskTable(paths))

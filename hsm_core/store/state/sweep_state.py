"""Derives the state of a sweep from its events, from who is dead and from which jobs have ended."""

from __future__ import annotations

import operator
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from hsm_core.model import State

from ..events import End, Fields, Refusal
from ..layout import SweepPaths, TaskPaths
from ..record import SweepRecord
from ..sweeps.catalogue import named_record
from .fold import Fold
from .jobs import JobWord, Key, Pair, SubmissionState
from .reader import SweepReader
from .task_state import WriterState
from .unclaimed import is_dropped
from .verdict import Verdict

#: Tasks beyond those on disk that are believed, where a sweeper makes them as it goes.
_UNSEEN = 10_000
_STATE = operator.attrgetter("state")


class SweepState:
    """A sweep, brought up to date by ``refresh``.

    Args:
        place: its directory, or what else stands for it, see ``SweepPaths.place``.
        typed: the path that the user typed for it; lines to copy use it where the sweep is not on the user's list.

    Attributes:
        sources: where its tasks may go or went, by name.
        tasks: by number; a task that nobody spoke of is not among them.
        submissions: with what became of them, in the order of reading.
        writers: workers and conductors by name.
        bad_lines: lines of journals that are damaged, or say what can't be; they are skipped.
        unreadable: why some journals are not read at all.
        judge_every_s: seconds for which a look at who is dead holds; for who looks again and again.
        version: grows with all that a task's state may follow from.
    """

    def __init__(self, place: Path, typed: str = "") -> None:
        self.paths = SweepPaths.at(place)
        self.record: SweepRecord = named_record(self.paths, typed)
        self.total = self.record.total or 0
        self._reader = SweepReader(self.paths, self.record.total)
        self._fold = Fold(f"the sweep in {place}", self.record.sources, self._has)
        self._verdict = Verdict(self._fold)
        self.tasks, self.submissions, self.jobs = self._fold.tasks, self._fold.submissions, self._fold.jobs
        self.writers, self.sources = self._fold.writers, self._fold.sources
        self.standings = self._fold.standings
        self.judge_every_s = 0.0
        self._judged_at = float("-inf")
        self.bad_lines = self.version = 0
        self.unreadable: list[str] = []
        self._has_counted = False
        self._is_own: bool | None = None

    def _has(self, task: int) -> bool:
        """Returns whether the sweep has this task: others are not believed, whoever writes of them."""
        if task >= self.total and self.record.total is None:
            if not self._has_counted:
                self.total, self._has_counted = _count_tasks(self.paths), True
            return task < self.total + _UNSEEN  # another host may not see the newest yet
        return task < self.total

    def refresh(self) -> bool:
        """Reads new events and checks again who is dead; returns whether anything was new.

        Raises:
            OSError: the events can't be read.
            StoreError: a writer speaks another format.
        """
        if self.record.total is None:
            self.total, self._has_counted = _count_tasks(self.paths), False
        is_new = False
        for news in self._reader.read_new():
            self._fold.take(news)
            is_new = True
        is_new |= self._judge()
        if is_new:
            self.bad_lines, self.unreadable = self._reader.bad_lines + self._fold.bad_lines, self._reader.unreadable
            self._note_change()
        return is_new

    def take_job_words(self, words: Mapping[Key, JobWord]) -> None:
        """Takes in a scheduler's latest words on its jobs."""
        known = self.jobs.words
        if any(known.get(key) != word for key, word in words.items()):
            self.jobs.words = {**known, **words}
            self._note_change()

    def _judge(self) -> bool:
        """Checks who is dead and reads their last events; returns whether there were any."""
        now, is_new = time.monotonic(), False
        if now - self._judged_at < self.judge_every_s:
            return False
        self._judged_at = now
        for name in self._verdict.judge():
            for news in self._reader.read(name):
                self._fold.take(news)
                is_new = True
        self._note_change()
        return is_new

    def _note_change(self) -> None:
        self.version += 1
        self._verdict.forget_orphans()

    # of tasks

    def state_of(self, number: int) -> State:
        """Returns a task's state by its events, dead workers and ended jobs; what was queued with these is pending.

        An attempt that is lost while its job lives on is not yet given up: the job may be run again.
        """
        return self._verdict.state_of(number)

    def end_of(self, number: int) -> End | None:
        """Returns how a task ended, or why it is not going on; what its scheduler said, where its worker did not.

        None if it has not ended, and if it was lost or cancelled without a word of either.
        """
        return self._verdict.end_of(number)

    def evidence_of(self, number: int) -> str:
        """Says why a task is called lost."""
        return self._verdict.evidence_of(number)

    def counts(self) -> Counter[State]:
        """Counts the tasks in each state."""
        found: Counter[State] = Counter(map(_STATE, self.tasks.values()))
        if found["running"] or found["queued"] or (found["lost"] and self.jobs):
            found = Counter(map(self.state_of, self.tasks))
        found["pending"] += max(0, self.total - len(self.tasks))  # some may not be seen on disk yet
        return found

    def numbers_in(self, *states: State) -> list[int]:
        """Returns the tasks in one of these states, ascending."""
        if "pending" in states:
            return [number for number in range(self.total) if self.state_of(number) in states]
        doubtful = ("queued", "running", "lost") if self.jobs else ("running",)
        found = [
            number for number, task in self.tasks.items() if task.state in states or task.state in doubtful
        ]
        return sorted(number for number in found if self.state_of(number) in states)

    def task_directory(self, number: int) -> TaskPaths | None:
        """Returns where a task's files are; None before it said so, and where they may not be read."""
        task = self.tasks.get(number)
        begun = task.begun if task else None
        if begun is None:
            return None
        files = TaskPaths(self.paths.root / begun.directory, begun.suffix)
        if not self.may_read(files.hsm):
            return None
        aside = files.of_sweep(self.record.id)
        return TaskPaths(files.root, files.suffix, aside.hsm) if aside.outcome.exists() else files

    def may_read(self, path: Path) -> bool:
        """Returns whether a path may be followed: in somebody else's sweep only if it does not lead out of that."""
        if self._is_own is None:
            self._is_own = os.stat(self.paths.record).st_uid == os.geteuid()
        return self._is_own or os.path.realpath(path).startswith(f"{os.path.realpath(self.paths.root)}/")

    # of jobs and submissions

    def ended_job(self, number: int) -> JobWord | None:
        """Returns the end of the job that held a task, as a conductor wrote it down or a scheduler just said."""
        return self._fold.ended_job(number)

    def ended_before(self, number: int) -> JobWord | None:
        """Returns the end of the job that held a pending task and did not begin it."""
        if number not in self.tasks or self.state_of(number) != "pending":
            return None
        return self.ended_job(number)

    def unrecorded_end(self, number: int) -> JobWord | None:
        """Returns the end of the job that held a task, where a scheduler just said so and nobody wrote it down."""
        word = self._fold.word_on(number)
        if word is None or word.phase != "ended" or self.is_gone(number):
            return None
        return word

    def is_gone(self, number: int) -> bool:
        """Tells whether it is written down that the job of the newest attempt has ended without its worker's word."""
        return self.is_given_up((number, self.tasks[number].attempt))

    def is_given_up(self, pair: Pair) -> bool:
        """Tells the same of any attempt of a task."""
        return self._fold.is_given_up(pair)

    def refusal(self) -> Refusal | None:
        """Returns the scheduler's refusal of the newest submission, unless something was accepted since."""
        return self._fold.refusal()

    def has_refused(self, source: str) -> bool:
        """Returns whether a source has refused something for good, and was given nothing since."""
        return self._fold.has_refused(source)

    def dropped_submissions(self) -> list[SubmissionState]:
        """Returns submissions that nothing alive holds; their unclaimed batches will never start."""
        return [submission for submission in self.submissions if is_dropped(submission, self.death_of)]

    # of workers and conductors

    def workers(self) -> Iterator[WriterState]:
        """Yields those whose first line says that they are workers."""
        return self._fold.workers()

    def death_of(self, writer: str) -> str | None:
        """Returns evidence, as of the last refresh, that a worker or conductor is gone."""
        return self._verdict.death_of(writer)

    def node_of(self, number: int) -> str:
        """Returns where a task ran, or its job, by its scheduler's name for it; empty where nobody knows."""
        worker = self._fold.worker_of(number)
        if worker is not None:
            return worker.node or worker.process.host
        ended = self.ended_job(number) if number in self.tasks else None
        return ended.node if ended else ""

    def native_id_of(self, number: int) -> str:
        """Returns the scheduler's id of the job that began a task's newest attempt; empty if none did."""
        worker = self._fold.worker_of(number)
        return worker.native_id if worker else ""

    def resources_of(self, number: int) -> Fields:
        """Returns what the job that began a task's newest attempt had asked its scheduler for."""
        worker = self._fold.worker_of(number)
        return (worker.resources if worker else None) or {}

    def worker_log(self, worker: str) -> Path:
        """Returns the log of a worker's own words; in a scheduler's job that is the job's log."""
        known = self.writers.get(worker)
        head = known.as_worker if known else None
        return self.paths.logs / head.log if head and head.log else self.paths.worker_log(worker)


def _count_tasks(paths: SweepPaths) -> int:
    from ..tasks import TaskTable

    return len(TaskTable(paths))

"""Runs on another rank what rank 0 runs: follows its journal from the claim of the batch to its last word."""

from __future__ import annotations

import signal
import sys
import time
from collections import deque
from dataclasses import replace
from pathlib import Path

from hsm_core.processes.identity import this_process
from hsm_core.processes.lock import Lock, held_lock
from hsm_core.safe_open import make_directory, only_own
from hsm_core.store import events
from hsm_core.store.files import nonce
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import LaunchPaths, SweepPaths
from hsm_core.store.submission import WorkerSpec, read_submission
from hsm_core.store.tasks import TaskTable

from ..job import JobFacts
from ..os.signals import WARNINGS
from ..protocol import Message
from ..supervisor.attempt_files import remove_if_empty
from ..supervisor.attempt_loop import AttemptLoop
from ..supervisor.importers import Importer
from ..supervisor.queue import Pending
from ..supervisor.report import Report
from .leader import Leader, await_claim
from .rank import Rank

#: Seconds between checks of rank 0's journal: while it may start something, and while we run what it started.
_IDLE_CHECK_S, _BUSY_CHECK_S = 0.25, 1.0


def join(root: Path, submission: str, batch: int, job: JobFacts, rank: Rank) -> int:
    """Follows rank 0, on another rank of a job, until rank 0 has left.

    Returns:
        exit code: 0, as rank 0's tells how the tasks ended; 1 if rank 0 was lost.
    """
    paths = SweepPaths(root)
    found = read_submission(paths, submission, to_act=True)
    claim = await_claim(paths, f"{submission}/{batch}", job)
    if claim is None:
        print(f"rank {rank.number}: there is no claim of rank 0 to follow", file=sys.stderr)
        return 0
    first, again = claim
    make_directory(paths.ranks(first.worker).parent)
    make_directory(paths.ranks(first.worker))
    # rank 0 keeps the time limit
    spec = replace(found.worker, task_timeout_s=None, slots=1)
    later = paths.claim(f"{submission}/{batch}", again + 1)
    leader = Leader(paths, first, later, spec.beat_s, spec.grace_s)
    boot = LaunchPaths(paths.hsm / found.payload).boot
    ours = replace(job, rank=replace(rank, master=first.process.host))
    name = f"{first.worker}-rank{rank.number}"
    with only_own(), held_lock(f"{name}.{nonce(6)}") as lock:
        report = Report(JournalWriter(paths.rank_journal(first.worker, rank.number)), spec.beat_s)
        log = paths.rank_log(first.worker, rank.number)
        return Follower(paths, spec, ours, leader, boot, report, name, log, lock).run()


class Follower(AttemptLoop):
    """Runs on another rank what rank 0 starts, and ends what rank 0 has ended.

    Args:
        leader: the journal of rank 0.
        boot: ``boot.json`` of the payload.
    """

    def __init__(
        self, paths: SweepPaths, spec: WorkerSpec, job: JobFacts, leader: Leader, boot: Path, report: Report,
        name: str, log: Path, lock: Lock,
    ) -> None:  # fmt: skip
        head = events.WorkerHead(
            name, this_process(), source=spec.source, native_id=job.native_id, lock=lock.path, slots=1, node=job.node
        )  # fmt: skip
        super().__init__(paths, spec, job, head, report, log, lock)
        self._leader, self._boot, self._tasks = leader, boot, TaskTable(paths)
        self._broken = ""
        self._started: deque[events.Start] = deque()
        self._to_come = 1
        self._end_at: float | None = None
        self._checked_at = 0.0
        self._gone = ""

    def run(self) -> int:
        """Follows rank 0 until there is nothing left to follow."""
        while not self._is_done():
            self._follow()
            self._start_next()
            self._wait()
            self._reap()
            self._slots.enforce_limits()
            self._end_what_is_over()
            self._report.keep_up()
        self._importers.end_all(1.0)
        self._report.close()
        remove_if_empty(self._log)
        return 1 if self._gone else 0

    def _is_done(self) -> bool:
        over = self._leader.has_left or self._gone or self._stops
        return bool(over) and not self._started and not len(self._slots)

    def _timeout(self) -> float:
        due = [self._check_s, self._report.due_in(), self._slots.due_in()]
        if self._end_at is not None:
            due.append(max(0.0, self._end_at - time.monotonic()))
        return min(due)

    # following

    @property
    def _check_s(self) -> float:
        return min(_BUSY_CHECK_S if len(self._slots) else _IDLE_CHECK_S, self._spec.beat_s)

    def _follow(self) -> None:
        """Notes what rank 0 started and ended since the last check."""
        now = time.monotonic()
        if self._stops or self._gone or now - self._checked_at < self._check_s:
            return
        self._checked_at = now
        for event in self._leader.listen(deaf=self._report.is_refused):
            if isinstance(event, events.Claimed):
                self._to_come = sum(span.count for span in event.tasks)
            elif isinstance(event, events.Start):
                self._started.append(event)
            elif isinstance(event, (events.End, events.Lost, events.Cancel)):
                self._ended_there(event.task, event.attempt)
        if why := self._leader.why_gone():
            self._gone = why
            self._report.say(events.Trouble(why))
        if self._gone or self._leader.has_left:
            self._started.clear()
            if self._end_at is None:
                self._end_at = now

    def _ended_there(self, task: int, attempt: int) -> None:
        """Notes that rank 0 is done with an attempt; unless it completed on all ranks, it is ended here too."""
        self._to_come -= 1
        self._started = deque(one for one in self._started if (one.task, one.attempt) != (task, attempt))
        if self._slots.has(task, attempt):
            self._end_at = time.monotonic()

    def _end_what_is_over(self) -> None:
        if not len(self._slots):
            self._end_at = None
        elif self._end_at is not None and time.monotonic() >= self._end_at:
            self._end_at = float("inf")
            self._slots.end("over")

    def _start_next(self) -> None:
        """Starts what rank 0 has started, once the app is imported and the attempt before has ended."""
        if self._broken:
            self._fail_all()
        if self._broken or self._stops or self._gone or not (self._started or self._to_come > 0):
            return
        self._importers.supply(self._boot, 1)
        importer = self._importers.ready_for(self._boot)
        if importer is None or not self._started or not self._slots.free_slots:
            return
        start = self._started.popleft()
        pending = Pending(start.task, start.attempt, self._boot)
        overrides = self._tasks[start.task].overrides
        self._slots.start(pending, overrides, importer, beside=(start.directory, start.suffix))

    def _fail_all(self) -> None:
        while self._started:
            start = self._started.popleft()
            self._report.say(events.End(start.task, start.attempt, "failed", "launch", self._broken))

    def _importer_is_ready(self, importer: Importer, message: Message) -> None:
        """Does nothing: rank 0 reports on the app."""

    def _fail_waiting(self, boot: Path, why: str) -> None:
        self._broken = why

    def _on_signal(self, number: int) -> None:
        """Ends what runs and starts nothing more at TERM, at once if it is repeated or INT; USR1 or USR2 warns."""
        if number in WARNINGS:
            self._slots.warn(goes_on=False)
        elif number in (signal.SIGTERM, signal.SIGINT):
            at_once = self._note_stop(number)
            self._started.clear()
            self._slots.end("interrupted", at_once=at_once)

"""Runs the tasks of a worker and records what becomes of them; no code of the user runs here."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hsm_core.model import Span
from hsm_core.processes.dead_workers import end_leftovers_of_the_dead
from hsm_core.processes.identity import this_process
from hsm_core.processes.lock import Lock, held_lock
from hsm_core.safe_open import only_own
from hsm_core.store import events
from hsm_core.store.files import nonce
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import SweepPaths
from hsm_core.store.requests import RequestReader
from hsm_core.store.submission import WorkerSpec, read_submission

from ..job import JobFacts
from ..os.signals import WARNINGS
from ..protocol import Message
from .attempt import AttemptEnding
from .attempt_files import remove_if_empty
from .attempt_loop import AttemptLoop
from .batches import ClaimedBatches, Fences, Inbox
from .guard import Guard
from .importers import Importer
from .lease import OwnLease
from .report import Report
from .time_warning import EndWarning, Requeue

if TYPE_CHECKING:
    from ..ranks.others import OtherRanks

#: Seconds between checks of the inbox; a signal says at once that there is something new.
INBOX_S = 0.25
#: What an importer says of the app that it has imported.
_FOUND = ("notes", "gpus", "against_forks")


def supervise(root: Path, name: str, submission: str, batch: int | None, job: JobFacts) -> int:
    """Runs a worker until its work is done.

    Args:
        batch: the one batch to run; None takes batches from the worker's inbox.

    Returns:
        exit code: 0 when every task of it completed, else 1.
    """
    paths = SweepPaths(root)
    spec = read_submission(paths, submission, to_act=True).worker
    if batch is not None and paths.journal(name).exists():
        name = f"{name}-{nonce(4)}"  # the scheduler has run this job twice
    guard = Guard(paths, name) if paths.inbox(name, "lease").exists() else None
    with only_own(), held_lock(f"{name}.{nonce(6)}") as lock:
        supervisor = Supervisor(paths, name, spec, job, lock, None if batch is None else submission)
        supervisor.guard = guard
        if batch is None:
            end_leftovers_of_the_dead(paths.events)
            return supervisor.run(Inbox(paths.inbox(name)), None)
        return supervisor.run(None, f"{submission}/{batch}")


def other_ranks(paths: SweepPaths, name: str, spec: WorkerSpec, job: JobFacts) -> OtherRanks | None:
    """Returns the other ranks of the worker's tasks; None without ranks."""
    if job.rank is None:
        return None
    from ..ranks.others import OtherRanks

    return OtherRanks(paths, name, job.rank.count, spec.beat_s, spec.grace_s)


class Supervisor(AttemptLoop):
    """Takes work, starts attempts, listens to them, ends them, and reports that it lives."""

    def __init__(
        self, paths: SweepPaths, name: str, spec: WorkerSpec, job: JobFacts, lock: Lock, submission: str | None
    ) -> None:
        me = this_process()
        head = events.WorkerHead(
            name, me, source=spec.source, native_id=job.native_id, lock=lock.path, slots=spec.slots,
            log=job.log, resources=spec.resources or None, node=job.node,
        )  # fmt: skip
        log = paths.logs / job.log if job.log else paths.worker_log(name)
        super().__init__(paths, spec, job, head, Report(JournalWriter(paths.journal(name)), spec.beat_s), log, lock)
        self._work = ClaimedBatches(paths, name, job, me, self._report, 2 * spec.beat_s + spec.grace_s)
        self._requests, self._fences = RequestReader(paths), Fences(paths, submission)
        self._lease, self._is_over = OwnLease(paths.inbox(name, "lease")), False
        self._others = other_ranks(paths, name, spec, job)
        self._inbox: Inbox | None = None
        self.guard: Guard | None = None
        self._requeue: Requeue | None = None
        limit_min = spec.resources.get("walltime_min")
        self._limit_s = 60.0 * limit_min if isinstance(limit_min, (int, float)) else None
        self._warning = EndWarning(self._limit_s)
        if os.environ.pop("HSM_WARNED", ""):  # by a script, before we could hear
            self._warning.ring()
        self._busy_at = time.monotonic()
        self._checked_at = self._busy_at - spec.beat_s

    def run(self, inbox: Inbox | None, batch: str | None) -> int:
        """Works until there is nothing left to do; see ``supervise``."""
        self._inbox = inbox
        if batch is not None:
            self._work.assign(batch)
        self._take_work()
        if inbox is None and len(self._work.waiting) == 1:
            self._importers.expect_one()
        while not self._is_done():
            self._obey_lease()
            self._obey_others()
            self._fill_slots()
            self._wait()
            if self._warning.is_due():
                self._be_warned()
            self._reap()
            self._slots.enforce_limits()
            self._report.keep_up()
            self._ask_to_run_again()
            self._take_work()
        return self._leave()

    # taking work

    def _take_work(self) -> None:
        if self._stops or self._is_over:
            return
        for batch in self._inbox.read_new() if self._inbox else ():
            self._work.assign(batch)
        try:
            self._work.claim()
        except OSError as error:  # nothing is claimed: it is tried again at the next check
            self._report.say(events.Trouble(f"a batch can't be claimed: {error}"))

    def _is_done(self) -> bool:
        if len(self._slots) or (self._work and self._requeue is None):
            self._busy_at = time.monotonic()
            return False
        if self._inbox is None or self._inbox.closed or self._stops or self._is_over:
            return True
        idle = time.monotonic() - self._busy_at
        return idle > self._spec.idle_s or (idle > 1 and self._inbox.is_abandoned())

    def _fill_slots(self) -> None:
        """Starts waiting attempts while there are slots and importers for them."""
        while self._work.waiting and self._slots.free_slots and self._requeue is None:
            boot = self._work.waiting.first().boot
            self._importers.supply(boot, min(self._slots.free_slots, len(self._work.waiting)))
            importer = self._importers.ready_for(boot)
            if importer is None:
                return
            pending = self._work.waiting.take()
            self._slots.start(pending, self._work.overrides(pending.task), importer)

    def _timeout(self) -> float:
        checks_often = self._inbox or self._work or self._slots.awaits_others
        check = INBOX_S if checks_often else self._spec.beat_s
        return min(check, self._report.due_in(), self._slots.due_in(), self._warning.due_in())

    # listening to importers

    def _importer_is_ready(self, importer: Importer, message: Message) -> None:
        launch, count = importer.boot.parent.name, message["threads"] or 0
        notes, gpus, against = (tuple(message["found"].get(name, ())) for name in _FOUND)
        self._report.say(
            events.Ready(launch, str(importer.mode), count, message["seconds"], notes, gpus, against)
        )

    def _before_judging(self, key: str, exited: Message) -> None:
        super()._before_judging(key, exited)
        if exited["code"] != 0:
            self._hear_other_ranks(exited=key)

    def _fail_waiting(self, boot: Path, why: str) -> None:
        for span in self._work.waiting.drop(boot=boot):
            for task, attempt in span:
                self._slots.failures += 1
                self._report.say(events.End(task, attempt, "failed", "launch", why))

    # obeying

    def _on_signal(self, number: int) -> None:
        """Ends all tasks at TERM, at once if it comes again, or at INT; USR1 or USR2 warns of the job's end."""
        if number in WARNINGS and self._job.native_id:
            self._warning.ring()
        elif number in (signal.SIGTERM, signal.SIGINT):
            at_once = self._note_stop(number)
            if self._job.native_id and not self._is_cancelled():
                self._work.drop_all()
                is_over = self._requeue is not None and not self._requeue.is_granted
                self._slots.end("walltime" if is_over else "interrupted", at_once=at_once)
            else:
                self._cancel(None)

    def _hear_other_ranks(self, exited: str = "") -> None:
        """Reads what became of attempts on other ranks: one failure fails all, and all must complete.

        Args:
            exited: an attempt whose process here has ended.
        """
        if self._others is None:
            return
        failures = self._others.read_new(deaf=self._report.is_refused)
        self._slots.completed_elsewhere(self._others.have_completed)
        gone = self._others.why_gone()
        if failures or gone:
            self._await_own_term()
        for failure in failures:
            self._slots.failed_elsewhere(failure.ending, failure.key, exited=exited)
        if gone and not self._stops:
            self._others = None
            self._report.say(events.Trouble(f"{gone}: no more tasks start"))
            self._work.drop_all()
            self._slots.failed_elsewhere(AttemptEnding("lost", None, gone), exited=exited)
            self._slots.failures += 1

    def _is_cancelled(self) -> bool:
        """Obeys requests; returns whether all tasks are to be ended."""
        return self._obey_requests()

    def _be_warned(self) -> None:
        """Starts nothing more, as the job's time is nearly over, and lets tasks write checkpoints."""
        self._report.say(events.Warned())
        may_again = bool(self._job.requeue) and self._work.warnings < self._spec.max_restarts
        self._slots.warn(goes_on=may_again)
        warn_s = min(self._spec.warn_s, (self._limit_s or float("inf")) / 2)
        self._requeue = Requeue(self._job, warn_s if may_again else None)

    def _ask_to_run_again(self) -> None:
        """Asks for another run, once tasks had time for checkpoints, if this one leaves work undone."""
        if self._requeue is None or not self._requeue.is_due(len(self._slots)):
            return
        if not (self._work or len(self._slots) or self._slots.unfinished):
            return
        refusal = self._requeue.ask()
        if refusal:
            self._report.say(events.Trouble(f"can't restart the job: {refusal}"))

    def _obey_others(self) -> None:
        """Reads, once a beat, requests and the attempts that a conductor started in place of ours."""
        now = time.monotonic()
        is_due = now - self._checked_at >= self._spec.beat_s
        if is_due or self._slots.awaits_others:
            self._hear_other_ranks()
        if not is_due:
            return
        self._checked_at = now
        self._obey_requests()
        for later, below in self._fences.read_new():
            self._work.waiting.drop(later, below=below)
            self._slots.end("superseded", later, below=below)
        if self._work.is_superseded():
            self._work.drop_all()
            self._slots.end("superseded")

    def _obey_lease(self) -> None:
        """Ends all tasks, and then this worker, once the tasks are no longer its own."""
        if self._is_over or not self._lease.is_over:
            return
        self._is_over = True
        self._report.say(events.Expired(self._lease.seconds))
        self._work.drop_all()
        self._slots.end("expired", at_once=self._lease.is_long_over())

    def _obey_requests(self) -> bool:
        """Obeys new requests to cancel; returns whether one meant all tasks."""
        all_meant = False
        for spans in self._requests.read_new(self._work.launch):
            for span in (None,) if spans is None else spans:
                self._cancel(span)
            all_meant |= spans is None
        return all_meant

    def _cancel(self, tasks: Span | None) -> None:
        for span in self._work.waiting.drop(tasks):
            for task, attempt in span:
                self._report.say(events.Cancel(task, attempt))
        self._slots.end("cancelled", tasks, at_once=self._stops > 1)

    def _leave(self) -> int:
        """Lets importers end by themselves if tasks ran in them, and writes the last words."""
        self._importers.end_all(self._spec.grace_s if self._spec.isolation == "none" else 1.0)
        if self._job.native_id and not self._slots.failures:
            remove_if_empty(self._log)
        if self.guard is not None:
            self.guard.dismiss()
        self._report.close()
        return 1 if self._slots.failures else 0

"""Conducts a sweep: hands its tasks over, watches what becomes of them, and brings the rest to an end."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, Protocol

from hsm_core.backends.interface import Backend
from hsm_core.errors import BackendError
from hsm_core.model import ENDED, spans
from hsm_core.results.adopt import adopted_end
from hsm_core.store import events
from hsm_core.store.claims import claim_batch
from hsm_core.store.files import nonce
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import LaunchPaths, SweepPaths
from hsm_core.store.lease import Lease, take_lease
from hsm_core.store.liveness import this_process
from hsm_core.store.requests import RequestReader
from hsm_core.store.space import FULL, is_full
from hsm_core.store.state import SweepState
from hsm_core.store.submission import WorkerSpec, read_submission, write_submission
from hsm_core.views.live import LiveProgress
from hsm_core.views.summary import summary

#: Workers that die in a row without having ended a task, before the conductor gives up.
PATIENCE = 3
Pairs = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Policy:
    """When a conductor stops handing work over.

    Args:
        fail_fast: end the rest after the first failure.
        max_failure_rate: end the rest when more than this share of the tasks has failed; 1.0 never.
        on_interrupt: what Ctrl-C does: ``cancel`` ends the tasks, ``detach`` leaves them to go on.
        poll_s: seconds between looks; it begins quicker.
    """

    fail_fast: bool = False
    max_failure_rate: float = 1.0
    on_interrupt: str = "cancel"
    poll_s: float = 0.5


class Progress(Protocol):
    """Shows how a sweep goes."""

    def show(self, state: SweepState) -> None:
        """Called at each look."""

    def say(self, text: str) -> None:
        """Print lines that stay."""


class Conductor:
    """The one process that acts for a sweep.

    Args:
        lease: what this process took already, when it began the sweep.

    Raises:
        LeaseHeld: another one does.
    """

    def __init__(
        self, state: SweepState, backend: Backend, policy: Policy, *, lease: Lease | None = None,
        force: bool = False,
    ) -> None:  # fmt: skip
        self.state, self.backend, self.policy = state, backend, policy
        paths: SweepPaths = state.paths
        self._me = this_process()
        self._lease = lease or take_lease(paths, state.record.id, self._me, force=force)
        self._name = f"conductor-{nonce()}"
        self._journal = JournalWriter(paths.journal(self._name))
        self._journal.append(events.conductor(self._name, self._me))
        self._requests = RequestReader(paths)
        self._told: set[tuple[str, str]] = set()
        self._is_full = False
        self._fruitless = 0
        self._ended_before = 0
        self._stopping = False
        self._closed = False

    def submit(self, launch: LaunchPaths, payload: LaunchPaths, pairs: Pairs, spec: WorkerSpec) -> None:
        """Write a submission down and hand it over.

        Args:
            launch: where the submission is written; payload: the launch whose payload it uses.
            pairs: (task, attempt).

        Raises:
            BackendError: it was not accepted.
        """
        batch = spans(list(pairs))
        submission = write_submission(launch, self.state.record.name, (batch,), spec, payload.root.name)
        self._journal.append(
            events.submit(
                submission.name, token=submission.token, tasks=submission.spans, backend=self.backend.name
            )
        )
        self._journal.sync()
        handed = self.backend.submit(submission)
        self._journal.append(events.handed(submission.name, native_id=handed.native_id, job=handed.job))
        self._journal.sync()

    def seize(self) -> None:
        """Claim what a dead conductor left unclaimed, so that no worker of its can start it any more."""
        for line in self.state.dropped_submissions():
            submission = read_submission(self.state.paths, line["submission"])
            for number in range(len(submission.batches)):
                claim_batch(
                    self.state.paths,
                    submission.batch_id(number),
                    worker=self._name,
                    native_id="",
                    restart=0,
                    process=self._me,
                )
        self.state.refresh()

    def conduct(
        self,
        launch: LaunchPaths,
        payload: LaunchPaths,
        pairs: Pairs,
        spec: WorkerSpec,
        progress: Progress,
    ) -> int:
        """Submit, and watch until these tasks, and those that were alive already, have ended.

        TERM and HUP, and Ctrl-C where the policy says so, end the watching and leave the tasks to go on.

        Args:
            pairs: (task, attempt) to hand over.

        Returns:
            0, or if a signal ended it, what a shell makes of that: 130 for Ctrl-C.

        Raises:
            BackendError: worker after worker died without having ended a task.
        """
        numbers = sorted({number for number, _ in pairs}.union(self.state.numbers_in("queued", "running")))
        if pairs:
            self.submit(launch, payload, pairs, spec)
        with Interrupts() as interrupts:
            while True:
                self.look()
                self._tell_troubles(progress)
                progress.show(self.state)
                open_tasks = [number for number in numbers if self.state.state_of(number) not in ENDED]
                if not open_tasks:
                    return interrupts.exit_code
                if interrupts.left or (interrupts.count and self.policy.on_interrupt == "detach"):
                    self._leave_alone(len(open_tasks), progress)
                    return interrupts.exit_code
                self._obey(launch, interrupts, progress)
                self._apply_policy(numbers, progress)
                self._replace_the_dead(launch, payload, open_tasks, spec, progress)
                interrupts.wait(self._pause())

    def _tell_troubles(self, progress: Progress) -> None:
        """What workers warn of, once each (tasks share a directory, …), and that the disk is full."""
        was_full, self._is_full = self._is_full, is_full(self.state.paths.root)
        if self._is_full and not was_full:
            progress.say(f"warning: {FULL}")
        for worker in self.state.workers():
            if worker.trouble and (worker.name, worker.trouble) not in self._told:
                self._told.add((worker.name, worker.trouble))
                progress.say(f"warning: {worker.trouble}")

    def look(self) -> None:
        """Read what is new; write down who is proven dead; keep the lease."""
        self.state.refresh()
        self.backend.poll()
        self._write_losses()
        self._lease.beat()
        self._journal.flush()
        self._journal.sync()

    def close(self) -> None:
        """Give the sweep free; what runs goes on."""
        if not self._closed:
            self._closed = True
            self.backend.close()
            self._journal.seal()
            self._lease.release()

    def abandon(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Write down that these will not be started."""
        for number, attempt in pairs:
            self._journal.append(events.cancel(number, attempt))

    def _write_losses(self) -> None:
        """A task whose worker is dead is lost, unless its outcome, complete on disk, says otherwise."""
        for number, task in self.state.tasks.items():
            if task.state == "running" and self.state.state_of(number) == "lost":
                found = adopted_end(self.state, number)
                evidence = self.state.evidence_of(number)
                self._journal.append(found or events.lost(number, task.attempt, evidence))
        self.state.refresh()

    def _replace_the_dead(
        self,
        launch: LaunchPaths,
        payload: LaunchPaths,
        open_tasks: Sequence[int],
        spec: WorkerSpec,
        progress: Progress,
    ) -> None:
        orphans = [number for number in open_tasks if self.state.state_of(number) == "pending"]
        if not orphans:
            return
        if self._stopping:
            self.abandon([(number, self.state.tasks[number].attempt) for number in orphans])
            return
        self._count_death(len(open_tasks))
        progress.say(f"a worker died; {len(orphans)} tasks go to a new one")
        pairs = [(number, self.state.tasks[number].attempt + 1) for number in orphans]
        self.submit(launch, payload, pairs, spec)

    def _count_death(self, open_tasks: int) -> None:
        ended = self.state.total - open_tasks
        self._fruitless = 1 if ended > self._ended_before else self._fruitless + 1
        self._ended_before = ended
        if self._fruitless > PATIENCE:
            raise BackendError(
                f"{PATIENCE + 1} workers in a row died before a task of theirs ended",
                evidence=self.backend.log_tail() or "they printed nothing",
                fix=f"hsm-status {self.state.record.id}",
            )

    def _obey(self, launch: LaunchPaths, interrupts: Interrupts, progress: Progress) -> None:
        """Ctrl-C: once asks the tasks to end, twice kills them."""
        if interrupts.fresh():
            at_once = interrupts.count > 1
            progress.say("killing the tasks" if at_once else "ending the tasks (Ctrl-C again kills them)")
            self._journal.append(events.interrupted("kill" if at_once else "cancel"))
            self._stop(at_once)
        for spans_asked in self._requests.read_new(launch.root.name):
            if spans_asked is None:
                self._stop(at_once=False)

    def _leave_alone(self, count: int, progress: Progress) -> None:
        self._journal.append(events.interrupted("detach"))
        progress.say(f"{count} tasks go on without this process")

    def _stop(self, at_once: bool) -> None:
        self._stopping = True
        self.backend.cancel(at_once=at_once)

    def _apply_policy(self, numbers: Sequence[int], progress: Progress) -> None:
        if self._stopping or (not self.policy.fail_fast and self.policy.max_failure_rate >= 1.0):
            return
        failed = sum(self.state.state_of(number) in ("failed", "lost") for number in numbers)
        if failed and (self.policy.fail_fast or failed / len(numbers) > self.policy.max_failure_rate):
            progress.say(f"{failed} of {len(numbers)} tasks failed: ending the rest")
            self._stop(at_once=False)

    def _pause(self) -> float:
        """Look often while little is to be read, seldom when it is much."""
        return min(self.policy.poll_s, 0.05 + self.state.total / 20_000)


def conduct_live(
    conductor: Conductor,
    launch: LaunchPaths,
    payload: LaunchPaths,
    pairs: Pairs,
    spec: WorkerSpec,
    numbers: range,
) -> int:
    """Conduct one launch, show how it goes, and sum up.

    Args:
        pairs: (task, attempt) to hand over.
        numbers: the tasks to sum up.

    Returns:
        0, or an exit code if a signal ended it.
    """
    with LiveProgress() as progress:
        code = conductor.conduct(launch, payload, pairs, spec, progress)
    print(summary(conductor.state, numbers), file=sys.stderr, flush=True)
    return code


def resumable(state: SweepState, numbers: Sequence[int], *, failed_too: bool) -> list[tuple[int, int]]:
    """The tasks that are pending, cancelled or lost, each with the number of its next attempt."""
    found = []
    again = {"pending", "cancelled", "lost", *(["failed"] if failed_too else [])}
    for number in numbers:
        if state.state_of(number) in again:
            task = state.tasks.get(number)
            found.append((number, task.attempt + 1 if task else 1))
    return found


class Interrupts:
    """Notes signals while a sweep is conducted, instead of breaking off in the middle of a write.

    Attributes:
        count: how often Ctrl-C was pressed.
        left: the signal, TERM or HUP, that told this process to end; 0 if none did.
    """

    def __init__(self) -> None:
        self.count = self.left = 0
        self._seen = 0
        self._wake = threading.Event()
        self._previous: dict[int, Any] = {}
        self._armed = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Interrupts:
        if self._armed:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @property
    def exit_code(self) -> int:
        """0 without a signal."""
        number = self.left or (signal.SIGINT if self.count else 0)
        return 128 + number if number else 0

    def fresh(self) -> bool:
        """True once after each further Ctrl-C."""
        seen, self._seen = self._seen, self.count
        return self.count > seen

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than to the next signal."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self.count == self._seen and not self.left:
            time.sleep(min(left, 0.05))

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            self.count += 1
        else:
            self.left = number

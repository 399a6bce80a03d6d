"""Conducts a sweep: hands its tasks over, watches what becomes of them, and brings the rest to an end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from hsm_core.errors import BackendError, NoAnswer
from hsm_core.hosts.interface import Patience
from hsm_core.model import ENDED, counted
from hsm_core.processes.identity import this_process
from hsm_core.sources.interface import RunningSource, Source
from hsm_core.sources.job_monitor import JobMonitor
from hsm_core.store import events
from hsm_core.store.files import nonce
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import LaunchPaths, SweepPaths
from hsm_core.store.lease import Lease, take_lease
from hsm_core.store.requests import RequestReader, launches_of, request_cancel
from hsm_core.store.state.sweep_state import SweepState

from .interrupt_policy import Ending
from .interrupts import Interrupts
from .messages import parting_words, told_of_orphans
from .policies import Policy, Progress
from .poll_pause import Pause
from .record_losses import write_losses
from .submission_queue import Outbox
from .takeover import seize, settle_unanswered
from .tasks_to_run import next_attempt
from .warnings import Troubles

#: Workers that die in a row without having ended a task, before the conductor gives up.
PATIENCE = 3
#: Seconds between two looks at who is dead.
JUDGE_EVERY_S = 1.0
Pairs = Sequence[tuple[int, int]]


class Conductor:
    """The one process that acts for a sweep.

    Args:
        others: where tasks of the sweep were given to before, and may still run.
        patience: of the hosts whose commands this process waits for.
        lease: what this process took already, when it began the sweep.

    Attributes:
        has_advised: it said at its end what is to be typed next.

    Raises:
        LeaseHeld: another one does.
    """

    def __init__(
        self, state: SweepState, source: Source, others: Sequence[RunningSource], policy: Policy,
        patience: Patience, *, lease: Lease | None = None, force: bool = False,
    ) -> None:  # fmt: skip
        self.state, self.source, self.policy = state, source, policy
        self.monitors = [JobMonitor(state, one) for one in (source, *others)]
        self._patience = patience
        paths: SweepPaths = state.paths
        state.judge_every_s = JUDGE_EVERY_S
        self._me = this_process()
        self._lease = lease or take_lease(paths, state.record.id, self._me, force=force)
        self._name = f"conductor-{nonce()}"
        self._journal = JournalWriter(paths.journal(self._name))
        self._journal.append(events.ConductorHead(self._name, self._me))
        if state.sources.get(source.name) != source.record:
            self._journal.append(events.SourceAdded(**vars(source.record)))
        self._requests = RequestReader(paths)
        self._troubles = Troubles(state, self.monitors)
        self._fruitless = 0
        self._ended_before = 0
        self._stopping = False
        self.has_advised = False
        self._closed = False

    # taking over

    def attach(self, *, force: bool = False) -> None:
        """Find out what is alive of a sweep that others began.

        Args:
            force: although a scheduler does not answer.

        Raises:
            NoAnswer: nobody knows what became of a submission.
        """
        self.look()
        sources = {monitor.source.name: monitor.source for monitor in self.monitors}
        settle_unanswered(self.state, sources, self._journal, self._name, force=force)
        for monitor in self.monitors:
            monitor.settle()
        self.look()
        seize(self.state, self.state.dropped_submissions(), self._name)

    # handing over

    def hand_over(
        self, launch: LaunchPaths, payload: LaunchPaths, pairs: Pairs, progress: Progress
    ) -> int:
        """Hand everything over and watch nothing.

        Returns:
            0, or an exit code if a signal ended it before all was handed over.

        Raises:
            BackendError: it was refused.
        """
        outbox = self._outbox(launch, payload, progress)
        outbox.push(pairs)
        with Interrupts() as interrupts, self._patience.of(interrupts.is_new, progress.say):
            while outbox and not (interrupts.count or interrupts.left):
                outbox.step(detached=True)
                self._keep()
                if outbox:
                    interrupts.wait(self.policy.poll_s)
            if outbox:
                self._leave_alone(len(pairs), outbox, progress)
                return interrupts.exit_code
            return 0

    def conduct(self, launch: LaunchPaths, payload: LaunchPaths, pairs: Pairs, progress: Progress) -> int:
        """Submit, and watch until these tasks, and those that were alive already, have ended.

        TERM and HUP, and Ctrl-C where the policy says so, end the watching and leave the tasks to go on.

        Args:
            launch: where submissions are written; payload: the launch whose payload they use.
            pairs: (task, attempt) to hand over.

        Returns:
            0, or if a signal ended it, what a shell makes of that: 130 for Ctrl-C.

        Raises:
            BackendError: work was refused, or worker after worker ended without having ended a task.
        """
        numbers = sorted({number for number, _ in pairs}.union(self.state.numbers_in("queued", "running")))
        outbox, pause = self._outbox(launch, payload, progress), Pause(self.policy.poll_s)
        outbox.push(pairs)
        open_tasks, version = numbers, -1
        with Interrupts() as interrupts, self._patience.of(interrupts.is_new, progress.say):
            ending = Ending(interrupts, self.policy.on_interrupt, progress)
            while True:
                if outbox.step():
                    self._note_handed(progress)
                with pause.looking():
                    self.look()
                    self._troubles.tell(progress.say)
                    progress.show(self.state)
                    still_open, is_news = open_tasks, self.state.version != version
                    if is_news:
                        open_tasks, version = self._open(numbers), self.state.version
                if not open_tasks:
                    ending.give_up_asking()
                    return interrupts.exit_code
                if len(open_tasks) < len(still_open):
                    outbox.hurry()
                wish = ending.wish()
                if wish == "cancel" and self._stopping and (outbox.is_in_doubt or self._unheard()):
                    self._cancel_jobs(progress, at_once=True)
                    wish = "detach"  # nobody would tell when they have ended
                if wish == "detach":
                    self._leave_alone(len(open_tasks), outbox, progress)
                    return interrupts.exit_code
                self._obey(wish, launch, outbox, progress)
                self._apply_policy(numbers, outbox, progress)
                if is_news:
                    self._replace_the_dead(outbox, open_tasks, progress)
                interrupts.wait(pause.seconds)

    def _open(self, numbers: Sequence[int]) -> list[int]:
        return [number for number in numbers if self.state.state_of(number) not in ENDED]

    def _note_handed(self, progress: Progress) -> None:
        """Also of what turned out to be accepted after it was to end."""
        self._disturb()
        if self._stopping:
            self.state.refresh()
            self._cancel_jobs(progress, at_once=False)

    def _outbox(self, launch: LaunchPaths, payload: LaunchPaths, progress: Progress) -> Outbox:
        return Outbox(self.state, self.source, self._journal, launch, payload, progress.say, self._name)

    # looking

    def look(self) -> None:
        """Read what is new; ask schedulers if it is time to; write down who is proven dead; keep the lease."""
        self.state.refresh()
        answers = [monitor.poll() for monitor in self.monitors]
        if any(answers):
            self.state.refresh()  # what workers wrote before their jobs ended
        for monitor in self.monitors:
            monitor.tend()
        if write_losses(self.state, self._journal):
            self.state.refresh()
        self._keep()

    def _keep(self) -> None:
        self._lease.beat()
        self._journal.flush()
        self._journal.sync()

    def close(self) -> None:
        """Give the sweep free; what runs goes on."""
        if not self._closed:
            self._closed = True
            self.source.close()
            self._journal.seal()
            self._lease.release()

    def abandon(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Write down that these will not be started."""
        for number, attempt in pairs:
            self._journal.append(events.Cancel(number, attempt))

    def _replace_the_dead(self, outbox: Outbox, open_tasks: Sequence[int], progress: Progress) -> None:
        waiting = outbox.tasks
        orphans = [
            number for number in open_tasks
            if number not in waiting and self.state.state_of(number) == "pending"
        ]  # fmt: skip
        if not orphans:
            return
        if self._stopping:
            self.abandon([(number, self._attempt_of(number)) for number in orphans])
            return
        self._count_death(open_tasks)
        for line in told_of_orphans(self.state, orphans):
            progress.say(line)
        outbox.push([(number, next_attempt(self.state, number)) for number in orphans])

    def _attempt_of(self, number: int) -> int:
        task = self.state.tasks.get(number)
        return task.attempt if task else 1

    def _count_death(self, open_tasks: Sequence[int]) -> None:
        ended = self.state.total - len(open_tasks)
        self._fruitless = 1 if ended > self._ended_before else self._fruitless + 1
        self._ended_before = ended
        if self._fruitless > PATIENCE:
            raise BackendError(
                f"{PATIENCE + 1} workers in a row ended before any of their tasks did",
                evidence=self.source.log_tail() or self.state.evidence_of(open_tasks[0]) or "they printed nothing",
                fix=f"hsm-status {self.state.record.id}",
            )

    # ending

    def _obey(self, wish: str, launch: LaunchPaths, outbox: Outbox, progress: Progress) -> None:
        """Cancelled once, the tasks are asked to end; twice, they are killed."""
        if wish == "cancel":
            at_once = self._stopping
            progress.say("killing the tasks" if at_once else "ending the tasks (Ctrl-C again kills them)")
            self._journal.append(events.Interrupted("kill" if at_once else "cancel"))
            self._stop(outbox, progress, at_once)
        for spans_asked in self._requests.read_new(launch.root.name):
            if spans_asked is not None:
                self._cancel_tasks({number for span in spans_asked for number, _ in span}, outbox, progress)
            elif not self._stopping:
                self._stop(outbox, progress, at_once=False)

    def _cancel_tasks(self, numbers: set[int], outbox: Outbox, progress: Progress) -> None:
        self.abandon(outbox.drop(numbers))
        for monitor in self.monitors:
            jobs = monitor.snapshot()
            self._order(lambda one=monitor.source, jobs=jobs: one.cancel_tasks(jobs, sorted(numbers)), progress)  # type: ignore[misc]

    def _leave_alone(self, count: int, outbox: Outbox, progress: Progress) -> None:
        self._journal.append(events.Interrupted("kill" if self._stopping else "detach"))
        left, unknown = outbox.give_up()
        others = count - left - unknown
        self.has_advised = bool(left or unknown or self._stopping)
        until = (self._unheard() or "when the scheduler answers") if self._stopping else ""
        for line in parting_words(self.state.record, others, left, unknown, cancel=until):
            progress.say(line)

    def _stop(self, outbox: Outbox, progress: Progress, at_once: bool) -> None:
        self._stopping = True
        self.abandon(outbox.stop())
        self._cancel_jobs(progress, at_once)
        if not at_once and launches_of(self.state.paths)[1:]:
            self._order(lambda: request_cancel(self.state.paths, None), progress)  # of workers that others started

    def _unheard(self) -> str:
        """Until when nobody tells that tasks have ended; empty if somebody does."""
        if self._troubles.is_full:
            return "when the disk has room"
        return "when the scheduler answers" if any(monitor.trouble for monitor in self.monitors) else ""

    def _cancel_jobs(self, progress: Progress, at_once: bool) -> None:
        for monitor in self.monitors:
            self._order(lambda monitor=monitor: monitor.cancel(at_once=at_once), progress)  # type: ignore[misc]

    def _order(self, order: Callable[[], None], progress: Progress) -> None:
        """Have a scheduler end jobs; where it does not answer, workers still read the request."""
        try:
            order()
        except (NoAnswer, OSError) as error:
            progress.say(f"warning: {error}")
        self._disturb()

    def _disturb(self) -> None:
        for monitor in self.monitors:
            monitor.disturb()

    def _apply_policy(self, numbers: Sequence[int], outbox: Outbox, progress: Progress) -> None:
        if self._stopping or (not self.policy.fail_fast and self.policy.max_failure_rate >= 1.0):
            return
        failed = sum(self.state.state_of(number) in ("failed", "lost") for number in numbers)
        if failed and (self.policy.fail_fast or failed / len(numbers) > self.policy.max_failure_rate):
            progress.say(f"{failed} of {counted(len(numbers), 'task')} failed: ending the rest")
            self._stop(outbox, progress, at_once=False)

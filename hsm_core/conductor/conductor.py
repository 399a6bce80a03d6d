"""Conducts a sweep: gives its tasks to sources, learns what becomes of them, and brings the rest to an end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from queue import SimpleQueue

from hsm_core.model import ENDED, counted
from hsm_core.sources.interface import Pair, RunningSource, Source
from hsm_core.sources.source_thread import Answer, Calls, SourceThread, T
from hsm_core.store import events
from hsm_core.store.files import nonce
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import LaunchPaths
from hsm_core.store.lease import Lease, take_lease
from hsm_core.store.requests import RequestReader, launches_of, request_cancel
from hsm_core.store.state.sweep_state import SweepState

from .handing_out.distribution import Distribution
from .messages import no_worker_lasts, told_of_orphans
from .policies import PATIENCE, FruitlessWorkers, Policy
from .record_losses import write_losses
from .source_at_work import SourceAtWork
from .takeover import seize, settle_jobs, settle_unanswered
from .tasks_to_run import is_tried_again, newest_attempt, next_attempt
from .warnings import Troubles

#: Seconds between two checks who is dead.
JUDGE_EVERY_S = 1.0
Pairs = Sequence[Pair]


class Conductor:
    """The one process that acts for a sweep; ``step`` it until nothing is open.

    It alone writes: the calls of a source run in a thread of that source, and only answer.

    Args:
        sources: to which tasks are given.
        attached: to which tasks of the sweep were given before, and where they may still run.
        policy: how it divides tasks among sources, and when it hands over no more.
        lease: what this process took already, when it began the sweep.
        by: the command that it is, if it is not a launcher.
        calls_of: makes the calls of a source, by its name and by what to do once an answer is there.

    Attributes:
        open_tasks: the tasks that it was given, or found alive, and that have not ended.
        is_stopping: they are to end.
        news: set when a source has answered.
        messages: lines for the user; sources may add to it.

    Raises:
        LeaseHeld: another one does.
        OSError: the disk refuses.
    """

    def __init__(
        self, sources: Sequence[Source], state: SweepState, attached: Sequence[RunningSource] = (), *,
        policy: Policy | None = None, lease: Lease | None = None, force: bool = False, by: str = "",
        calls_of: Callable[[str, Callable[[], object]], Calls] = SourceThread,
    ) -> None:  # fmt: skip
        self.state, self.policy = state, policy or Policy()
        state.judge_every_s = JUDGE_EVERY_S
        self._lease = lease or take_lease(state.paths, state.record.id, force=force)
        self.name = f"conductor-{nonce()}"
        self.journal = JournalWriter(state.paths.journal(self.name))
        self.journal.append(events.ConductorHead(self.name, self._lease.holder, by))
        for source in sources:
            if state.sources.get(source.name) != source.record:
                self.journal.append(events.SourceAdded(**vars(source.record)))
        self.news, self.messages = threading.Event(), SimpleQueue[str]()
        say, rules = self.messages.put, self.policy.rules
        at_work = partial(SourceAtWork, state, self.journal, say, self.name)
        self.sources = [
            *(at_work(calls_of(one.name, self.news.set), one, one) for one in sources),
            *(at_work(calls_of(one.name, self.news.set), one, None) for one in attached),
        ]
        self._requests = RequestReader(state.paths)
        self._troubles = Troubles(state, [source.monitor for source in self.sources])
        self._launch, self._version, self._is_news = "", -1, False
        self._numbers, self.open_tasks = list[int](), list[int]()
        self._distribution = Distribution(state, self.sources, rules, say, self.journal, self.name)
        self._fruitless, self._unwanted = FruitlessWorkers(), set[int]()
        self._closed = self._is_sealed = self._is_requested = self.is_stopping = False

    # taking over

    def attach(self, *, force: bool = False) -> None:
        """Finds out what is alive of a sweep that others began, and waits for the answers.

        Args:
            force: although a scheduler does not answer.

        Raises:
            NoAnswer: nobody knows what became of a submission.
        """
        self._refresh()
        by_name = {source.name: source for source in self.sources}
        settle_unanswered(self.state, by_name, self._wait_for, self.journal, self.name, force=force)
        for source in self.sources:
            settle_jobs(self.state, source, self._wait_for)
        self._refresh()
        seize(self.state, self.state.dropped_submissions(), self.name)

    def _wait_for(self, answer: Answer[T]) -> T:
        while not answer.wait(0.1):
            self._lease.beat()
        return answer.take()

    # what it can be told

    def add(self, pairs: Sequence[Pair], launch: LaunchPaths, payload: LaunchPaths) -> None:
        """Has tasks handed over, and waits for these and for what is alive already.

        Args:
            pairs: tasks and their attempts.
            launch: where submissions are written.
            payload: the launch whose payload they use.
        """
        self._launch = launch.root.name
        self._distribution.set_launch(launch, payload)
        self._numbers = sorted({number for number, _ in pairs}.union(self.state.numbers_in("queued", "running")))
        self._distribution.add(pairs)
        self._unwanted.difference_update(number for number, _ in pairs)
        self.open_tasks, self._version = self._numbers, -1

    def cancel(
        self, tasks: Collection[int] | None = None, *, at_once: bool = False, is_requested: bool = False
    ) -> None:  # fmt: skip
        """Has tasks end, all or these; what waits is never started.

        Args:
            at_once: kill them.
            is_requested: a request says so already, and workers read that.
        """
        if tasks is not None:
            self._unwanted.update(tasks)
            self.abandon(self._distribution.drop(set(tasks)))
            for source in self.sources:
                source.cancel_tasks(sorted(tasks))
            return
        self.is_stopping, self._is_requested = True, self._is_requested or is_requested
        self.abandon(self._distribution.stop())
        self._request()
        for source in self.sources:
            source.cancel(at_once=at_once)

    def _request(self) -> None:
        """Has workers end that no signal from here reaches: those of jobs, and those that others started."""
        has_jobs = any(source.source.kind != "pool" for source in self.sources)
        try:
            if not self._is_requested and (has_jobs or launches_of(self.state.paths)[1:]):
                request_cancel(self.state.paths, None)
                self._is_requested = True
        except OSError as error:
            self.messages.put(f"warning: {error}")

    def close_source(self, name: str) -> None:
        """A source gets no more: what it has not accepted goes to the others; what runs there, ends by itself."""
        self._distribution.close(name)

    def abandon(self, pairs: Iterable[Pair]) -> None:
        """Writes down that these will not be started, or not again."""
        for number, attempt in pairs:
            self.journal.append(events.Cancel(number, attempt))

    def close(self) -> bool:
        """Gives the sweep free; what runs goes on. True if all that it had to say is on disk."""
        if not self._closed:
            for source in self.sources:
                source.leave()
            self._closed, self._is_sealed = True, self.journal.seal()
            self._lease.release()
        return self._is_sealed

    # going on

    @property
    def has_handed_over(self) -> bool:
        """Whether nothing waits to be submitted, and nothing that was submitted is in doubt."""
        return not self._distribution

    @property
    def is_in_doubt(self) -> bool:
        """Whether nobody knows if something was accepted that was submitted."""
        return any(source.queue is not None and source.queue.is_in_doubt for source in self.sources)

    def step(self, *, detached: bool = False) -> None:
        """Goes on as far as it can without waiting.

        Args:
            detached: nobody will be there later to hand over the rest.

        Raises:
            BackendError: work was refused, or worker after worker ended without having ended a task.
        """
        if self.open_tasks and self._is_news and not detached:
            self._replace_the_dead()
        for source in self._distribution.step(self.open_tasks, detached=detached):
            source.monitor.disturb()
            if self.is_stopping:  # it turned out to be accepted after it was to end
                self.state.refresh()
                source.cancel(at_once=False)
        if detached:
            self._keep()
            return
        self._refresh()
        before, self._is_news = self.open_tasks, self.state.version != self._version
        if self._is_news:
            waiting = self._distribution.tasks  # an earlier attempt of these may have ended
            self.open_tasks = [number for number in self._numbers if number in waiting or self._is_open(number)]
            self._version = self.state.version
        if len(self.open_tasks) < len(before):
            self._distribution.hurry(set(before).difference(self.open_tasks))

    def heed(self) -> None:
        """Obeys what others ask, and what the policy says of failures."""
        for spans_asked in self._requests.read_new(self._launch):
            asked = None if spans_asked is None else {number for span in spans_asked for number, _ in span}
            if asked is not None or not self.is_stopping:
                self.cancel(asked, is_requested=True)
            lost = [number for number in self.state.numbers_in("lost") if asked is None or number in asked]
            self.abandon((number, newest_attempt(self.state, number)) for number in lost)
        self._distribution.drain(self._requests.take_drained())
        if self.is_stopping or (not self.policy.fail_fast and self.policy.max_failure_rate >= 1.0):
            return
        failed = sum(self.state.state_of(number) in ("failed", "lost") for number in self._numbers)
        if failed and (self.policy.fail_fast or failed / len(self._numbers) > self.policy.max_failure_rate):
            self.messages.put(f"{failed} of {counted(len(self._numbers), 'task')} failed: ending the rest")
            self.cancel()

    def new_messages(self) -> list[str]:
        """Returns the lines for the user that came since it was asked last."""
        self._troubles.tell(self.messages.put)
        return [self.messages.get() for _ in range(self.messages.qsize())]

    def unheard(self) -> str:
        """Returns until when nobody tells that tasks have ended; empty if somebody does."""
        if self._troubles.is_full:
            return "when the disk has room"
        silent = [source.monitor.whom for source in self.sources if source.monitor.trouble]
        return f"when {silent[0]} answers" if silent else ""

    @property
    def is_waited_for(self) -> bool:
        """Whether a source was asked to take or to end something, and has not answered."""
        self._keep()
        return any(source.is_ordered() for source in self.sources)

    def give_up(self) -> tuple[int, int]:
        """Nobody will be here any more to hand over what is left; it stays pending.

        Returns:
            how many tasks were surely not accepted, and of how many nobody knows.
        """
        return self._distribution.give_up()

    # refreshing

    def _refresh(self) -> None:
        """Reads what is new; takes what sources found out; writes down who is proven dead; keeps the lease."""
        self.state.refresh()
        if any([source.poll() for source in self.sources]):  # noqa: C419  (each of them polls)
            self.state.refresh()  # what workers wrote before their jobs ended
        if write_losses(self.state, self.journal):
            self.state.refresh()
        self._keep()

    def _keep(self) -> None:
        self._lease.beat()
        self.journal.flush()
        self.journal.sync()

    def _is_open(self, number: int) -> bool:
        is_wanted = not self.is_stopping and number not in self._unwanted
        return self.state.state_of(number) not in ENDED or (is_wanted and is_tried_again(self.state, number))

    def _replace_the_dead(self) -> None:
        waiting = self._distribution.tasks
        ended = ("pending", "lost")  # lost, and yet among them: to be tried again
        orphans = [one for one in self.open_tasks if one not in waiting and self.state.state_of(one) in ended]
        unwanted = set(orphans) if self.is_stopping else self._unwanted.intersection(orphans)
        self.abandon((number, newest_attempt(self.state, number)) for number in sorted(unwanted))
        orphans = [number for number in orphans if number not in unwanted]
        if not orphans:
            return
        self._count_death(orphans)
        for line in told_of_orphans(self.state, orphans):
            self.messages.put(line)
        self._distribution.add([(number, next_attempt(self.state, number)) for number in orphans])

    def _count_death(self, orphans: Sequence[int]) -> None:
        if not self._distribution.blame(orphans) and self._fruitless.are_too_many(
            self.state.total - len(self.open_tasks)
        ):
            holder = self._distribution.holder_of(orphans[0])
            told = (holder.log_tail() if holder else "") or self.state.evidence_of(self.open_tasks[0])
            raise no_worker_lasts(self.state.record, PATIENCE + 1, told)

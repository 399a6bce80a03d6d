"""Checks a source on a real one; a test module of the source binds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from hsm_core.model import spans
from hsm_core.processes.identity import this_process
from hsm_core.sources.interface import Pair, Portion, Source
from hsm_core.sources.snapshot import Snapshot, snapshot_of
from hsm_core.sources.source_thread import SourceThread, T
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import LaunchPaths
from hsm_core.store.requests import request_cancel
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import Submission, write_submission

from .waiting import wait_until

#: Seconds that anything may take.
_MOST_S = 60.0
ALL = [(number, 1) for number in range(6)]


@dataclass
class Bound:
    """A source, and a sweep of six tasks for it: the first two wait to be let go.

    Args:
        state: of the sweep, which is written down.
        launch: of the sweep; its payload is written, too.
        let_go: has the first two tasks come to their end.
    """

    source: Source
    state: SweepState
    launch: LaunchPaths
    let_go: Callable[[], object]
    submissions: list[Submission] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._thread = SourceThread(self.source.name)
        self._journal = JournalWriter(self.state.paths.journal("conductor-test"))
        self._journal.append(events.ConductorHead("conductor-test", this_process()))
        self._journal.append(events.SourceAdded(**vars(self.source.record)))

    def call(self, work: Callable[[], T]) -> T:
        """Makes a call that may block, as a conductor does: in the source's own thread."""
        answer = self._thread.ask(work)
        assert answer.wait(_MOST_S), "it did not return"
        return answer.take()

    def hand_over(self, pairs: Sequence[Pair], *, detached: bool = False) -> list[Portion]:
        """Submits as the conductor does."""
        waiting, found = list(pairs), list[Portion]()
        while waiting:
            portion = self.call(partial(self.source.next_portion, waiting, self.jobs(), detached=detached))
            found.append(portion)
            waiting = [pair for pair in waiting if pair not in set(portion.pairs)]
            self._submit(portion)
        self.state.refresh()
        return found

    def _submit(self, portion: Portion) -> None:
        source, launch = self.source, self.launch
        submission = write_submission(launch, "plain", portion.batches, source.spec, launch.root.name)
        self.submissions.append(submission)
        source.prepare(submission, portion)
        self._journal.append(
            events.Submit(
                submission.name, submission.token, spans(list(portion.pairs)), source.name, each=portion.each,
                at_once=portion.at_once, logs=source.logs,
            )
        )  # fmt: skip
        self._journal.sync()
        handed = self.call(lambda: source.submit(submission, portion))
        self._journal.append(events.HandedOver(submission.name, handed.native_id, handed.job))
        self._journal.sync()

    def jobs(self) -> Snapshot:
        """Returns what the sweep knows of the source's jobs now."""
        self.state.refresh()
        return snapshot_of(self.state, self.source.name)

    def states(self) -> list[str]:
        """Returns the states of all tasks; the source is tended first, as a conductor does."""
        jobs = self.jobs()
        self.call(lambda: self.source.tend(jobs))
        self.state.refresh()
        return [self.state.state_of(number) for number in range(self.state.total)]

    def wait_for(self, first: int, *states: str) -> None:
        """Waits for these states of the tasks from ``first`` on."""
        last = first + len(states)
        wait_until(lambda: self.states()[first:last] == list(states), _MOST_S, f"{states}", every=0.1)


class SourceContract:
    """Subclass it as ``TestMySource``, and give it a fixture ``bound``."""

    def test_its_record_says_what_it_is(self, bound: Bound) -> None:
        record, source = bound.source.record, bound.source
        assert (record.name, record.kind) == (source.name, source.kind)
        bound.state.refresh()
        assert bound.state.sources[source.name] == record, "it is read back as it was written"

    def test_all_that_is_handed_over_runs_once(self, bound: Bound) -> None:
        bound.let_go()
        portions = bound.hand_over(ALL)
        assert [pair for portion in portions for pair in portion.pairs] == ALL
        bound.wait_for(0, *["completed"] * 6)
        assert [task.attempt for task in bound.state.tasks.values()] == [1] * 6
        claims = list(bound.state.paths.claims.glob("*.json"))
        assert len(claims) == sum(len(one.batches) for one in portions)

    def test_its_workers_name_it(self, bound: Bound) -> None:
        bound.hand_over(ALL[2:3])
        bound.wait_for(2, "completed")
        heads = [worker.head for worker in bound.state.workers()]
        assert {head.source for head in heads if isinstance(head, events.WorkerHead)} == {bound.source.name}

    def test_what_is_handed_over_later_runs_too(self, bound: Bound) -> None:
        bound.hand_over(ALL[4:])
        bound.wait_for(4, "completed", "completed")
        bound.hand_over(ALL[2:4])
        bound.wait_for(2, *["completed"] * 4)
        assert bound.states()[:2] == ["pending"] * 2

    def test_after_it_is_closed_what_runs_goes_on(self, bound: Bound) -> None:
        bound.hand_over(ALL[:3])
        bound.wait_for(0, "running", "running")
        bound.call(bound.source.close)
        bound.let_go()
        bound.wait_for(0, *["completed"] * 3)

    def test_cancelled_all_end(self, bound: Bound) -> None:
        bound.hand_over(ALL[:2])
        bound.wait_for(0, "running", "running")
        request_cancel(bound.state.paths, None)  # so that workers know that it was wanted
        jobs = bound.jobs()
        bound.call(lambda: bound.source.cancel(jobs))
        bound.wait_for(0, "cancelled", "cancelled")

    def test_polled_nothing_that_runs_has_ended(self, bound: Bound) -> None:
        bound.hand_over(ALL[:2])
        bound.wait_for(0, "running", "running")
        jobs = bound.jobs()
        polled = bound.call(lambda: bound.source.poll(jobs, float("inf")))
        assert polled.trouble == ""
        assert {word.phase for word in polled.words.values()} <= {"waiting", "running"}
        assert polled.words.keys() == jobs.open, "each of its jobs is known"

    def test_it_is_well_and_says_what_it_takes(self, bound: Bound) -> None:
        health = bound.call(bound.source.health)
        assert health.trouble == ""
        assert health.capacity is None or health.capacity > 0

    def test_tended_what_runs_goes_on(self, bound: Bound) -> None:
        bound.hand_over(ALL[:2])
        bound.wait_for(0, "running", "running")
        jobs = bound.jobs()
        bound.call(lambda: bound.source.tend(jobs))
        assert bound.call(lambda: bound.source.remove_idle(jobs)) == 0
        bound.let_go()
        bound.wait_for(0, "completed", "completed")

    def test_a_preview_is_text_and_starts_nothing(self, bound: Bound) -> None:
        lines = bound.call(lambda: bound.source.preview(range(6), detached=False))
        assert [line for line in lines if line.strip()]
        assert not [line for line in lines if "\n" in line]
        assert bound.states() == ["pending"] * 6
        assert not list(bound.state.workers())

    def test_what_was_never_submitted_is_not_found(self, bound: Bound) -> None:
        never = write_submission(
            bound.launch, "plain", (spans([(0, 1)]),), bound.source.spec, bound.launch.root.name
        )
        assert bound.call(lambda: bound.source.find(never.token)) is None

    def test_the_end_of_the_newest_log_is_shown(self, bound: Bound) -> None:
        assert bound.call(bound.source.log_tail) == ""
        bound.hand_over(ALL[2:3])
        bound.wait_for(2, "completed")
        (worker,) = bound.state.workers()
        with open(bound.state.worker_log(worker.name), "a", encoding="utf-8") as log:
            log.write("its last words: ü\n")
        assert bound.call(bound.source.log_tail).splitlines()[-1] == "its last words: ü"

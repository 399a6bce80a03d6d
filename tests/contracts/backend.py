"""What holds of every place where batches go; a test module binds it to a real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hsm_core.model import spans
from hsm_core.processes.identity import this_process
from hsm_core.sources.interface import Pair, Portion, Source
from hsm_core.sources.snapshot import Snapshot, snapshot_of
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.requests import request_cancel
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import Submission, write_submission
from tests.integration.apps.worker_plain.harness import PlainSweep
from tests.waiting import wait_until

#: A task that waits until it is let go, and one that does not.
WAITS = "import time\nwhile not (here.parent / 'go').exists(): time.sleep(0.02)\nresult = order['task']"
RETURNS = "result = order['task']"


@dataclass
class Bound:
    """A backend, and a sweep of six tasks for it: the first two wait to be let go.

    Args:
        state: the one that the backend looks at.
    """

    source: Source
    sweep: PlainSweep
    state: SweepState
    submissions: list[Submission] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._journal: JournalWriter = self.sweep.conductor()
        self._journal.append(events.ConductorHead("conductor-test", this_process()))

    def hand_over(self, pairs: Sequence[Pair], *, detached: bool = False) -> list[Portion]:
        """Submit as the conductor does."""
        waiting, found = list(pairs), []
        while waiting and (portion := self.source.next_portion(waiting, self.jobs(), detached=detached)) is not None:
            found.append(portion)
            waiting = [pair for pair in waiting if pair not in set(portion.pairs)]
            self._submit(portion)
        self._journal.sync()
        self.state.refresh()
        return found

    def _submit(self, portion: Portion) -> None:
        source, launch = self.source, self.sweep.launch
        submission = write_submission(launch, "plain", portion.batches, source.spec, launch.root.name)
        self.submissions.append(submission)
        source.prepare(submission, portion)
        tasks = spans(list(portion.pairs))
        self._journal.append(
            events.Submit(submission.name, submission.token, tasks, source.name, each=portion.each)
        )
        handed = source.submit(submission, portion)
        self._journal.append(events.HandedOver(submission.name, native_id=handed.native_id, job=handed.job))

    def jobs(self) -> Snapshot:
        self.state.refresh()
        return snapshot_of(self.state, self.source.name)

    def let_go(self) -> None:
        (self.sweep.paths.root / "go").touch()

    def states(self) -> list[str]:
        self.state.refresh()
        return [self.state.state_of(number) for number in range(self.state.total)]

    def wait_for(self, *states: str) -> None:
        wait_until(lambda: self.states() == list(states), 60, f"{states}", every=0.1)


CODES = [WAITS, WAITS, RETURNS, RETURNS, RETURNS, RETURNS]
ALL = [(number, 1) for number in range(6)]


class BackendContract:
    """Subclass it, and give it a fixture ``bound``."""

    def test_all_that_is_handed_over_runs_once(self, bound: Bound) -> None:
        bound.let_go()
        portions = bound.hand_over(ALL)
        assert [pair for portion in portions for pair in portion.pairs] == ALL
        bound.wait_for(*["completed"] * 6)
        began = [task.attempt for task in bound.state.tasks.values()]
        assert began == [1] * 6
        assert len(list(bound.sweep.paths.claims.glob("*.json"))) == sum(len(one.batches) for one in portions)

    def test_what_is_handed_over_later_runs_too(self, bound: Bound) -> None:
        bound.hand_over(ALL[4:])
        wait_until(lambda: bound.states()[4:] == ["completed"] * 2, 60, "the first two")
        bound.hand_over(ALL[2:4])
        wait_until(lambda: bound.states()[2:] == ["completed"] * 4, 60, "the others")
        assert bound.states()[:2] == ["pending"] * 2

    def test_after_it_is_closed_what_runs_goes_on(self, bound: Bound) -> None:
        bound.hand_over(ALL[:3])
        wait_until(lambda: bound.states()[:2] == ["running"] * 2, 60, "two running tasks")
        bound.source.close()
        bound.let_go()
        wait_until(lambda: bound.states()[:3] == ["completed"] * 3, 60, "their ends")

    def test_cancelled_all_end(self, bound: Bound) -> None:
        bound.hand_over(ALL[:2])
        wait_until(lambda: bound.states()[:2] == ["running"] * 2, 60, "two running tasks")
        request_cancel(bound.sweep.paths, None)  # so that workers know that it was wanted
        bound.source.cancel(bound.jobs())
        wait_until(lambda: bound.states()[:2] == ["cancelled"] * 2, 60, "their ends")

    def test_a_preview_is_text_and_starts_nothing(self, bound: Bound) -> None:
        lines = bound.source.preview(range(6), detached=False)
        assert lines
        assert not any("\n" in line for line in lines)
        assert bound.states() == ["pending"] * 6
        assert not list(bound.sweep.paths.events.glob("[!c]*"))

    def test_what_was_never_submitted_is_not_found(self, bound: Bound) -> None:
        spec, launch = bound.source.spec, bound.sweep.launch
        never = write_submission(launch, "plain", (spans([(0, 1)]),), spec, launch.root.name)
        assert bound.source.find(never.token) is None

    def test_a_log_tail_is_text(self, bound: Bound) -> None:
        assert bound.source.log_tail() == ""
        bound.hand_over(ALL[2:3])
        bound.wait_for("pending", "pending", "completed", "pending", "pending", "pending")
        assert isinstance(bound.source.log_tail(), str)

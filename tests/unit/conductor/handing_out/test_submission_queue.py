"""How submissions get out: when there is room, once, and whatever the scheduler answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.conductor import pauses
from hsm_core.conductor.handing_out import open_submission
from hsm_core.conductor.handing_out.open_submission import DOUBT_S, TRIES
from hsm_core.conductor.handing_out.submission_queue import SubmissionQueue
from hsm_core.errors import BackendError, LimitReached, NoAnswer, NoId, NotNow, Refused, Unexplained
from hsm_core.model import Span
from hsm_core.processes.identity import this_process
from hsm_core.sources.interface import Handed, Pair, Portion
from hsm_core.sources.snapshot import Snapshot
from hsm_core.store import events
from hsm_core.store.claims import claim_batch
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import LaunchPaths
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import Submission, WorkerSpec, read_submission
from tests.unit.sources.stand_in import AtOnce, Later
from tests.unit.store.making import MadeSweep


class Place:
    """A source that answers as a test says; ``most`` pairs a portion."""

    name, spec = "stand-in", WorkerSpec()
    logs: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.most = 100
        self.answers: list[str | Exception] = []
        self.finds: list[str | Exception | None] = []
        self.submitted: list[str] = []

    def next_portion(self, waiting: list[Pair], jobs: Snapshot, *, detached: bool) -> Portion:
        if not self.most:
            raise NotNow("no more jobs can be submitted now", evidence="MaxSubmitJobs=0")
        return Portion(waiting[: self.most], 1)

    def prepare(self, submission: Submission, portion: Portion) -> None:
        pass

    def submit(self, submission: Submission, portion: Portion) -> Handed:
        self.submitted.append(submission.name)
        answer = self.answers.pop(0) if self.answers else "5"
        if isinstance(answer, Exception):
            raise answer
        return Handed(answer)

    def find(self, token: str) -> Handed | None:
        found = self.finds.pop(0) if self.finds else None
        if isinstance(found, Exception):
            raise found
        return None if found is None else Handed(found)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Bench:
    def __init__(self, root: Path, clock: Clock, calls: AtOnce | Later) -> None:
        sweep = MadeSweep(root, 6)
        sweep.paths.make_directories()
        launch = LaunchPaths(sweep.paths.hsm / "launch-0")
        launch.root.mkdir()
        self.clock, self.place, self.said = clock, Place(), list[str]()
        self.state = SweepState(root)
        journal = JournalWriter(sweep.paths.journal("conductor-a"))
        self.outbox = SubmissionQueue(
            self.state, self.place, calls, journal, self.said.append, "conductor-a"  # type: ignore[arg-type]
        )
        self.outbox.set_launch(launch, launch)

    def lines(self) -> list[tuple[str, object]]:
        self.state.refresh()
        found = [(one.name, one.native_id or None) for one in self.state.jobs.submissions()]
        return sorted(found)

    def waits(self) -> list[str]:
        self.state.refresh()
        return [writer.waits for writer in self.state.writers.values() if writer.waits]

    def after(self, seconds: float) -> bool:
        self.clock.now += seconds
        return self.outbox.step()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    clock = Clock()
    for module in (open_submission, pauses):
        monkeypatch.setattr(module, "time", clock)
    return Bench(tmp_path / "sweep", clock, AtOnce())


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture
def slow(tmp_path: Path, later: Later) -> Bench:
    """A queue whose source answers when the test says so."""
    return Bench(tmp_path / "sweep", Clock(), later)


def tasks(count: int) -> list[Pair]:
    return [(number, 1) for number in range(count)]


def test_all_goes_out_in_portions(bench: Bench) -> None:
    bench.place.most = 2
    bench.outbox.push(tasks(5))
    assert bench.outbox.step()
    assert not bench.outbox
    assert [name for name, _ in bench.lines()] == [f"launch-0/submit-{n}" for n in range(3)]


def test_without_room_it_waits_and_says_so_once(bench: Bench) -> None:
    bench.place.most = 0
    bench.outbox.push(tasks(3))
    for _ in range(4):
        assert not bench.after(100)
    told = "3 tasks wait to be submitted: no more jobs can be submitted now (MaxSubmitJobs=0)"
    assert bench.said == [told]
    assert bench.waits() == [told]
    assert bench.outbox.tasks == {0, 1, 2}
    bench.place.most = 3
    assert bench.after(100)
    assert bench.waits() == []


def test_not_now_is_tried_again_ever_more_seldom(bench: Bench) -> None:
    bench.place.answers = [NotNow("standby")] * 4
    bench.outbox.push(tasks(2))
    bench.outbox.step()
    tried = []
    for second in range(1, 40):
        before = len(bench.place.submitted)
        bench.after(1)
        if len(bench.place.submitted) > before:
            tried.append(second)
    assert tried == [2, 5, 10, 17]
    assert set(bench.place.submitted) == {"launch-0/submit-0"}
    assert bench.lines() == [("launch-0/submit-0", "5")]


def test_above_a_limit_it_is_divided_anew_at_once(bench: Bench) -> None:
    bench.place.answers = [LimitReached("too many")]
    bench.outbox.push(tasks(4))
    assert bench.outbox.step()
    assert bench.lines() == [("launch-0/submit-1", "5")]
    assert bench.said == []


def test_above_a_limit_that_its_own_job_used_up_it_was_accepted(bench: Bench) -> None:
    bench.place.answers, bench.place.finds = [LimitReached("too many")], ["8"]
    bench.outbox.push(tasks(4))
    assert bench.outbox.step()
    assert bench.lines() == [("launch-0/submit-0", "8")]
    assert bench.place.submitted == ["launch-0/submit-0"]


def test_a_job_that_shows_up_after_it_was_divided_anew_finds_nothing_to_do(bench: Bench) -> None:
    bench.place.answers = [LimitReached("too many")]
    bench.outbox.push(tasks(2))
    assert bench.outbox.step()
    late = read_submission(bench.state.paths, "launch-0/submit-0")
    assert [claim(bench, late, number) for number in range(2)] == [False, False]
    anew = read_submission(bench.state.paths, "launch-0/submit-1")
    assert [claim(bench, anew, number) for number in range(2)] == [True, True]


@pytest.mark.parametrize("finds", [[None, "8"], [None, None], [NoAnswer("down")], [None, NoAnswer("down")]])
def test_above_a_limit_nothing_is_divided_anew_that_may_have_begun(bench: Bench, finds: list[str | None]) -> None:
    def begins(submission: Submission, portion: Portion) -> Handed:
        assert claim(bench, submission, 1)
        raise LimitReached("too many")

    bench.place.submit, bench.place.finds = begins, list(finds)  # type: ignore[method-assign,arg-type]
    bench.outbox.push(tasks(2))
    assert bench.outbox.step() == (finds[-1] == "8")
    assert bench.lines() == [("launch-0/submit-0", finds[-1] if finds[-1] == "8" else None)]
    assert bench.outbox.is_in_doubt == (finds[-1] != "8")


def claim(bench: Bench, submission: Submission, number: int) -> bool:
    """Whether a worker gets this batch."""
    batch = submission.batch_id(number)
    found = claim_batch(
        bench.state.paths, batch, worker="w", native_id=f"8_{number}", restart=0, process=this_process()
    )
    return found is not None


def test_a_single_job_at_a_limit_waits(bench: Bench) -> None:
    bench.place.answers, bench.place.most = [LimitReached("too many")], 1
    bench.outbox.push(tasks(2))
    assert not bench.outbox.step()
    assert bench.outbox.tasks == {0, 1}
    assert bench.said == ["2 tasks wait to be submitted: too many"]
    assert bench.after(10)
    assert bench.lines() == [("launch-0/submit-1", "5"), ("launch-0/submit-2", "5")]


def test_without_an_answer_it_is_looked_for(bench: Bench) -> None:
    bench.place.answers, bench.place.finds = [NoAnswer("timed out")], ["8"]
    bench.outbox.push(tasks(2))
    assert not bench.outbox.step()
    assert bench.after(3)
    assert bench.lines() == [("launch-0/submit-0", "8")]
    assert bench.place.submitted == ["launch-0/submit-0"]


def test_what_surely_was_not_accepted_is_sent_again_the_same(bench: Bench) -> None:
    bench.place.answers = [NoAnswer("timed out")]
    bench.place.finds = [NoAnswer("down"), None, None, None, None]
    bench.outbox.push(tasks(2))
    bench.outbox.step()
    bench.after(2.5)
    assert len(bench.place.submitted) == 1
    assert bench.after(3.5)
    assert bench.place.submitted == ["launch-0/submit-0"] * 2
    assert bench.lines() == [("launch-0/submit-0", "5")]


def test_unknown_at_once_is_not_yet_not_accepted(bench: Bench) -> None:
    bench.place.answers, bench.place.finds = [NoAnswer("timed out")], [None, "8"]
    bench.outbox.push(tasks(2))
    bench.outbox.step()
    assert not bench.after(2.5)
    assert bench.place.submitted == ["launch-0/submit-0"]
    assert bench.after(5)
    assert bench.lines() == [("launch-0/submit-0", "8")]


def test_a_refusal_ends_it_and_its_tasks_are_pending(bench: Bench) -> None:
    bench.place.answers = [Refused("invalid partition")]
    bench.outbox.push(tasks(2))
    with pytest.raises(Refused):
        bench.outbox.step()
    assert bench.lines() == []
    assert [bench.state.state_of(number) for number in (0, 1)] == ["pending", "pending"]


def test_what_is_dropped_is_not_sent(bench: Bench) -> None:
    bench.place.most = 0
    bench.outbox.push(tasks(4))
    bench.outbox.step()
    assert bench.outbox.drop({1, 3}) == [(1, 1), (3, 1)]
    assert bench.outbox.tasks == {0, 2}
    assert bench.outbox.drop() == [(0, 1), (2, 1)]
    assert not bench.outbox


def test_an_end_elsewhere_makes_it_try_soon(bench: Bench) -> None:
    bench.place.most = 0
    bench.outbox.push(tasks(2))
    for _ in range(9):
        bench.after(100)  # the pause is long by now
    bench.place.most = 2
    assert not bench.after(10)
    bench.outbox.hurry()
    assert bench.outbox.step()


def test_however_often_something_ends_it_keeps_the_least_pause(bench: Bench) -> None:
    bench.place.most = 0
    bench.outbox.push(tasks(2))
    bench.outbox.step()
    bench.place.most = 2
    bench.outbox.hurry()
    assert not bench.outbox.step()
    assert bench.after(2)


def test_a_refusal_stays_known_until_something_is_accepted(bench: Bench) -> None:
    words = {"evidence": "sbatch: exit code 1", "fix": "sinfo -s", "field": "partition", "choices": ("main",)}
    bench.place.answers = [Refused("no such partition", **words)]  # type: ignore[arg-type]
    bench.outbox.push(tasks(2))
    with pytest.raises(Refused) as caught:
        bench.outbox.step()
    line = f"hsm resume {bench.state.record.id} --set hydra.launcher.partition=main"
    assert (caught.value.fix, caught.value.evidence) == (line, "sbatch: exit code 1")
    bench.state.refresh()
    refused = bench.state.refusal()
    assert refused is not None
    assert (refused.message, refused.field, refused.choices) == ("no such partition", "partition", ("main",))
    bench.outbox.push(tasks(2))
    bench.outbox.step()
    bench.state.refresh()
    assert bench.state.refusal() is None


def test_what_is_divided_anew_was_not_refused(bench: Bench) -> None:
    bench.place.answers = [LimitReached("too many jobs")]
    bench.outbox.push(tasks(2))
    bench.outbox.step()
    bench.state.refresh()
    assert bench.state.refusal() is None


def test_what_can_not_even_be_submitted_is_refused_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def portion(waiting: list[Pair], jobs: Snapshot, *, detached: bool) -> Portion:
        raise BackendError("PBS is not installed on this machine", fix="hsm doctor")

    monkeypatch.setattr(bench.place, "next_portion", portion)
    bench.outbox.push(tasks(2))
    with pytest.raises(BackendError, match="not installed on this machine"):
        bench.outbox.step()
    bench.state.refresh()
    assert bench.state.refusal().submission == "launch-0/submit-0"


def test_a_command_that_tells_no_id_of_a_job_that_nobody_knows_is_not_asked_for_ever(bench: Bench) -> None:
    bench.place.answers = [NoId("sbatch printed no job id", evidence="sbatch: exit code 0: hello", fix="hsm doctor")]
    bench.place.finds = [None, None]
    bench.outbox.push(tasks(2))
    bench.outbox.step()
    bench.after(DOUBT_S - 1)
    with pytest.raises(BackendError, match="printed no job id, and the scheduler knows no such job") as caught:
        bench.after(DOUBT_S)
    assert (caught.value.evidence, caught.value.fix) == ("sbatch: exit code 0: hello", "hsm doctor")
    assert bench.place.submitted == ["launch-0/submit-0"]
    assert bench.lines() == []


def test_a_command_that_tells_no_id_may_have_submitted(bench: Bench) -> None:
    bench.place.answers = [NoId("sbatch printed no job id")]
    bench.place.finds = ["5"]
    bench.outbox.push(tasks(2))
    bench.outbox.step()
    assert bench.after(DOUBT_S)
    assert bench.lines() == [("launch-0/submit-0", "5")]


def test_a_failure_in_unknown_words_is_looked_for_before_it_is_tried_again(bench: Bench) -> None:
    bench.place.answers, bench.place.finds = [Unexplained("qsub failed")], [None, "5"]
    bench.outbox.push(tasks(2))
    bench.outbox.step()
    bench.after(DOUBT_S - 2)
    assert bench.after(DOUBT_S)
    assert bench.place.submitted == ["launch-0/submit-0"]
    assert bench.lines() == [("launch-0/submit-0", "5")]


def test_a_failure_in_unknown_words_that_leaves_no_job_is_not_tried_for_ever(bench: Bench) -> None:
    said = "qsub: exit code 1: come back on Monday"
    bench.place.answers = [Unexplained("qsub failed", evidence=said) for _ in range(TRIES)]
    bench.place.finds = [None] * 20
    bench.outbox.push(tasks(2))
    bench.outbox.step()
    with pytest.raises(BackendError, match="qsub failed 3 times, and the scheduler knows no such job") as caught:
        any(bench.after(DOUBT_S) for _ in range(20))
    assert caught.value.evidence == said
    assert bench.place.submitted == ["launch-0/submit-0"] * TRIES
    assert bench.lines() == []


def test_stopped_what_nobody_accepted_is_not_submitted_again(bench: Bench) -> None:
    bench.place.answers = [NoAnswer("timed out")]
    bench.place.finds = [None]
    bench.outbox.push(tasks(2))
    bench.outbox.step()
    assert bench.outbox.is_in_doubt
    bench.outbox.stop()
    bench.after(DOUBT_S)
    assert bench.place.submitted == ["launch-0/submit-0"]
    assert not bench.outbox
    bench.state.refresh()
    assert [bench.state.state_of(number) for number in range(2)] == ["pending", "pending"]


def test_stopped_what_was_surely_not_accepted_is_given_up_at_once(bench: Bench) -> None:
    bench.place.answers = [NotNow("standby")]
    bench.outbox.push(tasks(2))
    bench.outbox.step()
    bench.outbox.stop()
    assert not bench.outbox


def test_what_was_just_handed_over_is_known_when_the_next_portion_is_measured(bench: Bench) -> None:
    seen = []
    portion = bench.place.next_portion

    def measured(waiting: list[Pair], jobs: Snapshot, *, detached: bool) -> Portion:
        seen.append(len(bench.state.numbers_in("queued")))
        return portion(waiting, jobs, detached=detached)

    bench.place.most, bench.place.next_portion = 2, measured  # type: ignore[method-assign]
    bench.outbox.push(tasks(5))
    bench.outbox.step()
    assert seen == [0, 2, 4]


# a source that takes its time


def test_nothing_waits_for_a_source_that_takes_its_time(slow: Bench, later: Later) -> None:
    slow.outbox.push(tasks(2))
    assert not slow.outbox.step()
    assert slow.lines() == [], "what is not measured is not written down"
    later.answer()
    assert not slow.outbox.step()
    assert slow.lines() == [("launch-0/submit-0", None)], "written before it is submitted"
    assert slow.place.submitted == []
    later.answer()
    assert slow.outbox.step()
    assert slow.lines() == [("launch-0/submit-0", "5")]
    assert not slow.outbox


def test_what_was_dropped_while_it_was_measured_is_measured_anew(slow: Bench, later: Later) -> None:
    slow.outbox.push(tasks(4))
    slow.outbox.step()
    assert slow.outbox.drop({1}) == [(1, 1)]
    for _ in range(3):
        later.answer()
        slow.outbox.step()
    assert slow.state.submissions[0].tasks == (Span(0, 1), Span(2, 2))


def submitting(slow: Bench, later: Later) -> None:
    """Two tasks that the source was just asked to take."""
    slow.outbox.push(tasks(2))
    slow.outbox.step()
    later.answer()
    slow.outbox.step()
    assert slow.outbox.is_submitting


def test_stopped_what_its_source_has_not_begun_is_never_submitted(slow: Bench, later: Later) -> None:
    submitting(slow, later)
    slow.outbox.stop()
    later.answer()
    assert not slow.outbox.step()
    assert (slow.place.submitted, slow.lines()) == ([], [])
    assert not slow.outbox


@pytest.mark.parametrize("how", ["stop", "hand_back", "give_up"])
def test_what_its_source_has_begun_to_take_is_in_doubt_until_it_answers(slow: Bench, later: Later, how: str) -> None:
    submitting(slow, later)
    submit = slow.place.submit

    def ended_meanwhile(submission: Submission, portion: Portion) -> Handed:
        told = getattr(slow.outbox, how)()
        assert told == ((0, 2) if how == "give_up" else [])
        assert slow.outbox.is_in_doubt
        return submit(submission, portion)

    slow.place.submit = ended_meanwhile  # type: ignore[method-assign]
    later.answer()
    assert slow.outbox.step(), "it was accepted all the same"
    assert slow.lines() == [("launch-0/submit-0", "5")]


def test_an_answer_that_is_there_counts_when_all_is_given_up(slow: Bench, later: Later) -> None:
    submitting(slow, later)
    later.answer()
    assert slow.outbox.give_up() == (0, 0)
    assert slow.lines() == [("launch-0/submit-0", "5")]


def test_what_a_closed_source_refused_or_never_got_is_handed_back(slow: Bench, later: Later) -> None:
    slow.place.most, slow.place.answers = 2, [Refused("invalid account")]
    slow.outbox.push(tasks(5))
    slow.outbox.step()
    later.answer()
    slow.outbox.step()
    later.answer()
    with pytest.raises(Refused):
        slow.outbox.step()
    assert sorted(slow.outbox.hand_back()) == tasks(5)
    assert not slow.outbox


def test_what_a_source_that_is_away_was_not_given_goes_to_others_and_it_takes_more_later(bench: Bench) -> None:
    bench.place.answers = [NotNow("h1 can't be given tasks now")]
    bench.place.most = 2
    bench.outbox.push(tasks(5))
    assert not bench.outbox.step()
    assert sorted(bench.outbox.hand_back(for_good=False)) == tasks(5)
    assert bench.lines() == [], "what was written down for it is withdrawn"
    bench.outbox.push(tasks(2))
    assert bench.after(100.0)
    assert bench.place.submitted


def test_an_attempt_whose_earlier_one_came_home_meanwhile_is_never_submitted(bench: Bench) -> None:
    worker = JournalWriter(bench.state.paths.journal("h1-abc"))
    worker.append(events.Start(1, 1, "1"))
    worker.append(events.End(1, 1, "completed"))
    bench.state.refresh()
    bench.outbox.push([(0, 1), (1, 2)])
    bench.outbox.step()
    bench.after(100.0)
    assert [list(*line.tasks) for line in bench.state.jobs.submissions()] == [[(0, 1)]]

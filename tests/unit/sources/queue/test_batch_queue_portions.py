"""How tasks become jobs: arrays, single jobs, packs; what limits them, and what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from hsm_core.errors import LimitReached, NoAnswer, NotNow
from hsm_core.model import Resources, Span
from hsm_core.schedulers.batch_system import Place, WorkerStart
from hsm_core.schedulers.interface import Allowed, JobStatus, Limit
from hsm_core.settings import LauncherSettings, QueueSettings
from hsm_core.sources.interface import Pair, Portion
from hsm_core.sources.queue import queue_room
from hsm_core.sources.queue.batch_queue import BatchQueue, Needs
from hsm_core.sources.snapshot import snapshot_of
from hsm_core.sources.worker_command import WorkerStarts
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import LaunchPaths
from hsm_core.store.record import SourceRecord
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import WorkerSpec, write_submission
from tests.unit.sources.stand_in import StandIn
from tests.unit.store.making import MadeSweep


class Words:
    """Writes what it was asked for."""

    def asked(self, settings: LauncherSettings) -> Resources:
        raise AssertionError("a bench says itself what its tasks ask for")

    def text(self, asked: Resources, start: WorkerStart) -> str:
        return f"asked {asked.raw} size {start.size} throttle {start.throttle}\n"

    def place(self, asked: Resources) -> Place:
        return (None, asked.raw, None) if str(asked.raw).startswith("lab") else (None, None, None)

    def longer(self, asked: Resources, times: int) -> tuple[Resources, str]:
        return (Resources(raw=f"{times} times {asked.raw}"), f"for {times} h") if times > 1 else (asked, "")


def words(portion: Portion) -> str | None:
    """What its job asks for."""
    return portion.asked.raw if portion.asked else None


class Bench:
    """A queue, and a loop that submits as the conductor does."""

    def __init__(
        self, root: Path, settings: QueueSettings, asked_by: Callable[[int], str], threads_of: Callable[[int], int]
    ) -> None:
        sweep = MadeSweep(root, 400)
        sweep.paths.make_directories()
        self.launch = LaunchPaths(sweep.paths.hsm / "launch-0")
        self.launch.root.mkdir()
        self.scheduler = StandIn(limits=Allowed(array_index=101, array_size=101))
        self.state = SweepState(sweep.root)
        self.queue = BatchQueue(
            sweep.paths, SourceRecord(self.scheduler.name, "queue"), self.scheduler, WorkerSpec(), settings, Words(),
            lambda task: Needs(Resources(raw=asked_by(task)), WorkerSpec(threads=threads_of(task))),
            WorkerStarts(sweep.paths, "python", (), root),
        )  # fmt: skip

    def submit_all(self, waiting: list[Pair], *, detached: bool = False) -> list[Portion]:
        found: list[Portion] = []
        with suppress(NotNow):
            while waiting:
                found.append(self.next_portion(waiting, detached=detached))
                self.submit(found[-1])
                waiting = [pair for pair in waiting if pair not in set(found[-1].pairs)]
        return found

    def next_portion(self, waiting: list[Pair], *, detached: bool) -> Portion:
        return self.queue.next_portion(waiting, snapshot_of(self.state, self.queue.name), detached=detached)

    def submit(self, portion: Portion) -> None:
        spec = self.queue.spec
        submission = write_submission(self.launch, "demo", portion.batches, spec, "launch-0")
        self.queue.prepare(submission, portion)
        self.queue.submit(submission, portion)

    @property
    def sizes(self) -> list[int | None]:
        return [script.size for script in self.scheduler.calls("submit")]  # type: ignore[attr-defined]

    @property
    def throttles(self) -> list[int | None]:
        return [script.throttle for script in self.scheduler.calls("submit")]  # type: ignore[attr-defined]


Make = Callable[..., Bench]


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(queue_room, "time", found)
    return found


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(
        asked_by: Callable[[int], str] = lambda task: "the same",
        threads_of: Callable[[int], int] = lambda task: 1,
        **settings: Any,
    ) -> Bench:
        return Bench(tmp_path / "sweep", QueueSettings(**settings), asked_by, threads_of)

    return made


def tasks(count: int) -> list[Pair]:
    return [(number, 1) for number in range(count)]


def test_arrays_are_as_large_as_the_scheduler_takes(make: Make) -> None:
    bench = make()
    found = bench.submit_all(tasks(250))
    assert bench.sizes == [101, 101, 48]
    assert [pair for portion in found for pair in portion.pairs] == tasks(250)


def test_the_user_may_want_smaller_arrays(make: Make) -> None:
    bench = make(max_array_size=40)
    bench.submit_all(tasks(100))
    assert bench.sizes == [40, 40, 20]


def test_packed_tasks_share_an_element(make: Make) -> None:
    bench = make(tasks_per_job=10)
    (portion,) = bench.submit_all(tasks(95))
    assert bench.sizes == [10]
    assert [sum(span.count for span in batch) for batch in portion.batches] == [10] * 9 + [5]


@pytest.mark.parametrize(
    ("mode", "count", "sizes"),
    [
        ("auto", 1, [None]),
        ("auto", 3, [3]),
        ("array", 1, [1]),
        ("individual", 3, [None, None, None]),
    ],
)
def test_modes(make: Make, mode: str, count: int, sizes: list[int | None]) -> None:
    bench = make(mode=mode)
    bench.submit_all(tasks(count))
    assert bench.sizes == sizes


def test_tasks_that_ask_for_the_same_share_an_array(make: Make) -> None:
    bench = make(asked_by=lambda task: f"{1 + task % 2} GB")
    found = bench.submit_all(tasks(7))
    assert [words(portion) for portion in found] == ["1 GB", "2 GB"]
    assert [[number for number, _ in portion.pairs] for portion in found] == [[0, 2, 4, 6], [1, 3, 5]]


def test_a_limit_on_tasks_at_once_holds_over_all_arrays(make: Make) -> None:
    bench = make(parallelism=10)
    bench.submit_all(tasks(250))
    assert len(bench.throttles) == 3
    assert sum(one or 0 for one in bench.throttles) == 10


def test_a_limit_below_the_number_of_arrays_makes_the_later_ones_wait(make: Make) -> None:
    bench = make(parallelism=2)
    bench.submit_all(tasks(303))
    assert bench.throttles == [1, 1]


def test_detached_a_limit_below_the_number_of_arrays_packs(make: Make) -> None:
    bench = make(parallelism=2)
    found = bench.submit_all(tasks(303), detached=True)
    assert sum(len(portion.pairs) for portion in found) == 303
    assert sum(one or 0 for one in bench.throttles) <= 2


LAB = Limit(20, "account lab: MaxSubmitJobs", account="lab")


def queue_of(count: int, **place: str) -> list[JobStatus]:
    return [JobStatus(f"9_{number}", "waiting", "PENDING", **{"account": "lab", **place}) for number in range(count)]  # type: ignore[arg-type]


def test_only_as_much_is_submitted_as_there_is_room_for(make: Make, clock: Clock) -> None:
    bench = make()
    bench.scheduler.limits = Allowed(101, 101, (LAB,))
    bench.scheduler.queued = queue_of(14)
    assert len(bench.next_portion(tasks(50), detached=False).pairs) == 6
    clock.now += 3
    bench.scheduler.queued = queue_of(20)
    with pytest.raises(NotNow, match="no more jobs can be submitted now") as caught:
        bench.next_portion(tasks(50), detached=False)
    assert caught.value.evidence == "account lab: MaxSubmitJobs=20"


@pytest.mark.parametrize("place", [{"account": "home"}, {"account": "home", "queue": "long", "qos": "high"}])
def test_jobs_elsewhere_use_up_nothing(make: Make, place: dict[str, str]) -> None:
    bench = make()
    bench.scheduler.limits = Allowed(101, 101, (LAB,))
    bench.scheduler.queued = queue_of(50, **place)
    assert len(bench.next_portion(tasks(50), detached=False).pairs) == 20


def test_the_limit_that_leaves_least_counts_not_the_lowest(make: Make) -> None:
    bench = make()
    bench.scheduler.limits = Allowed(101, 101, (LAB, Limit(30, "MaxJobCount")))
    bench.scheduler.queued = [*queue_of(5), *queue_of(20, account="home")]
    assert len(bench.next_portion(tasks(50), detached=False).pairs) == 5


def test_what_was_just_submitted_counts_before_the_queue_shows_it(make: Make, clock: Clock) -> None:
    bench = make(mode="individual")
    bench.scheduler.limits = Allowed(101, 101, (LAB,))
    bench.scheduler.queued = queue_of(17)
    assert len(bench.submit_all(tasks(10))) == 3
    assert bench.scheduler.calls("queue") == [None]
    clock.now += 3
    assert len(bench.submit_all(tasks(10))) == 3


def test_a_queue_that_does_not_answer_stops_nothing(make: Make) -> None:
    bench = make()
    bench.scheduler.limits = Allowed(101, 101, (LAB,))
    bench.scheduler.queued = None
    assert len(bench.next_portion(tasks(50), detached=False).pairs) == 50


def test_detached_it_packs_into_the_room_there_is_and_says_so(make: Make) -> None:
    bench = make()
    bench.scheduler.limits = Allowed(101, 101, (LAB,))
    bench.scheduler.queued = queue_of(15)
    (portion,) = bench.submit_all(tasks(52), detached=True)
    assert len(portion.batches) <= 5
    assert len(portion.pairs) == 52
    assert words(portion) == "11 times the same"
    told = "11 tasks a job, as there is room for 5 jobs (account lab: MaxSubmitJobs=20), for 11 h"
    assert portion.remark == told


def test_a_job_that_already_ran_several_takes_as_much_longer_as_it_has_more(make: Make) -> None:
    bench = make(tasks_per_job=4)
    bench.scheduler.limits = Allowed(101, 101, (LAB,))
    bench.scheduler.queued = queue_of(15)
    (portion,) = bench.submit_all(tasks(50), detached=True)
    assert (portion.each, words(portion)) == (10, "3 times the same")


def test_single_jobs_at_once_are_limited_by_those_that_live(make: Make) -> None:
    bench = make(mode="individual", parallelism=2)
    assert len(bench.next_portion(tasks(5), detached=False).pairs) == 1


def test_a_scheduler_that_tells_no_limits_gets_arrays_all_the_same(make: Make, monkeypatch: Any) -> None:
    bench = make()

    def silent(*_: object) -> Allowed:
        raise NoAnswer("no answer")

    monkeypatch.setattr(bench.scheduler, "allowed", silent)
    assert len(bench.next_portion(tasks(300), detached=False).pairs) == 300


def test_what_was_too_much_is_halved(make: Make) -> None:
    bench = make()
    bench.scheduler.answers = [LimitReached("too many"), LimitReached("too many")]
    asked = []
    for _ in range(3):
        portion = bench.next_portion(tasks(80), detached=False)
        asked.append(len(portion.pairs))
        if len(asked) < 3:
            with pytest.raises(LimitReached):
                bench.submit(portion)
    assert asked == [80, 40, 20]


def test_detached_a_limit_that_only_a_refusal_tells_packs_too(make: Make) -> None:
    bench = make()
    bench.scheduler.answers = [LimitReached("too many", evidence="AssocGrpSubmitJobsLimit")] * 2
    for size in (80, 40):
        portion = bench.next_portion(tasks(80), detached=True)
        assert (len(portion.pairs), len(portion.batches)) == (80, size)
        with pytest.raises(LimitReached):
            bench.submit(portion)
    (portion,) = bench.submit_all(tasks(80), detached=True)
    assert (len(portion.pairs), len(portion.batches)) == (80, 20)
    assert portion.remark == "4 tasks a job, as there is room for 20 jobs (AssocGrpSubmitJobsLimit), for 4 h"


def test_arrays_of_an_earlier_launcher_count(make: Make) -> None:
    bench = make(parallelism=3)
    journal, name = JournalWriter(bench.state.paths.journal("conductor-old")), "launch-0/submit-0"
    journal.append(
        events.Submit(
            name, "demo-abcdefgh", tasks=[Span(100, 20, 1)], source=bench.scheduler.name, each=1, at_once=2
        )
    )
    journal.append(events.HandedOver(name, native_id="7", job=None))
    journal.flush()
    bench.state.refresh()
    bench.scheduler.shows("running", "7_0", name="demo-abcdefgh")
    portion = bench.next_portion(tasks(50), detached=False)
    assert portion.at_once == 1
    assert bench.scheduler.calls("throttle") == [("7", 2)]


def test_tasks_for_another_account_are_not_held_by_the_first_ones_limit(make: Make) -> None:
    bench = make(asked_by=lambda task: f"lab{task % 2}")
    bench.scheduler.limits_of["lab0"] = Allowed(101, 101, (Limit(3, "lab0: MaxSubmitJobs"),))
    bench.submit(bench.next_portion([(number, 1) for number in range(0, 8, 2)], detached=False))
    with pytest.raises(NotNow):
        bench.next_portion([(6, 1)], detached=False)
    assert words(bench.next_portion([(1, 1)], detached=False)) == "lab1"


def test_a_preview_shows_what_is_packed_where_nobody_can_submit_more(make: Make) -> None:
    bench = make()
    bench.scheduler.limits = Allowed(101, 101, (LAB,))
    shown = bench.queue.preview(range(40), detached=True)
    assert shown[0].endswith("2 tasks a job, as there is room for 20 jobs (account lab: MaxSubmitJobs=20), for 2 h")
    assert "asked 2 times the same size 20 throttle None" in shown
    assert "1 task a job" in bench.queue.preview(range(40), detached=False)[0]


def test_what_bounds_the_jobs_is_told_by_its_name(make: Make) -> None:
    bench = make(parallelism=2, max_array_size=3)
    bench.scheduler.limits = Allowed(101, 101, (LAB,))
    portion = bench.next_portion([(number, 1) for number in range(7)], detached=True)
    assert "for 6 jobs (array_parallelism=2, and arrays of 3)" in portion.remark

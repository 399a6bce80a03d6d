"""Where a worker's attempts come from: batches that it claims, an inbox, and what others have replaced."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hsm_core.model import ProcessIdentity, Span
from hsm_core.processes.identity import this_process
from hsm_core.store import events
from hsm_core.store.journal import JournalReader, JournalWriter
from hsm_core.store.submission import WorkerSpec, write_submission
from hsm_core.worker.job import JobFacts
from hsm_core.worker.supervisor.batches import ClaimedBatches, Fences, Inbox
from hsm_core.worker.supervisor.report import Report
from tests.unit.store.making import ELSEWHERE, MadeSweep, complete, killed_process

JOB = JobFacts("77")


class Made(MadeSweep):
    """A sweep of two batches, of tasks 0 and 1, and 2 and 3."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        launch = self.paths.launch(0)
        launch.root.mkdir(exist_ok=True)
        made = write_submission(launch, "demo", ((Span(0, 2),), (Span(2, 2),)), WorkerSpec(), launch.root.name)
        self.batches = [made.batch_id(0), made.batch_id(1)]

    def claimer(self, worker: str, job: JobFacts = JOB, process: ProcessIdentity | None = None) -> ClaimedBatches:
        report = Report(JournalWriter(self.paths.journal(worker)), 60.0)
        return ClaimedBatches(self.paths, worker, job, process or this_process(), report, 60.0)

    def said(self, worker: str) -> list[str]:
        found = JournalReader(self.paths.journal(worker)).read_new()
        return [event.message if isinstance(event, events.Trouble) else event.tag for event in found]


@pytest.fixture
def sweep(tmp_path: Path) -> Made:
    return Made(tmp_path / "s")


def waiting(batches: ClaimedBatches) -> list[tuple[int, int]]:
    found = []
    while batches.waiting:
        pending = batches.waiting.take()
        found.append((pending.task, pending.attempt))
    return found


def test_what_is_assigned_is_claimed_in_order(sweep: Made) -> None:
    mine = sweep.claimer("w1")
    assert not mine
    for batch in reversed(sweep.batches):
        mine.assign(batch)
    assert mine
    assert not mine.waiting
    mine.claim()
    assert waiting(mine) == [(2, 1), (3, 1), (0, 1), (1, 1)]
    assert sweep.said("w1") == ["claim", "claim"]
    assert (mine.launch, mine.overrides(2)) == ("launch-0", ("lr=2",))


@pytest.mark.parametrize("other", [JobFacts("78"), JobFacts()])
def test_a_batch_of_another_job_is_left_to_it(sweep: Made, other: JobFacts) -> None:
    for worker, job in (("w1", JOB), ("w2", other)):
        claimer = sweep.claimer(worker, job)
        claimer.assign(sweep.batches[0])
        claimer.claim()
    assert not claimer
    assert sweep.said("w2") == [f"another worker runs {sweep.batches[0]}: nothing to do"]


def test_a_job_that_is_run_again_goes_on_once_its_earlier_run_is_over(sweep: Made) -> None:
    first = sweep.claimer("w1", process=ELSEWHERE)
    first.assign(sweep.batches[0])
    first.claim()
    assert not first.is_superseded()
    again = sweep.claimer("w2", replace(JOB, restart=1))
    again.assign(sweep.batches[0])
    again.claim()
    assert first.is_superseded()
    assert again, "it holds a batch"
    assert not again.waiting, "the earlier run may live"
    # the earlier run's last words
    sweep.paths.journal("w1").unlink()
    writer = sweep.worker("w1", ELSEWHERE)
    complete(writer, 0)
    writer.append(events.Warned())
    writer.seal()
    again.claim()
    assert waiting(again) == [(1, 2)]
    assert again.warnings == 1


def test_one_that_no_scheduler_started_is_never_superseded(sweep: Made) -> None:
    mine = sweep.claimer("w1", JobFacts())
    mine.assign(sweep.batches[0])
    mine.claim()
    assert not mine.is_superseded()


def test_what_is_dropped_is_neither_claimed_nor_run(sweep: Made) -> None:
    mine = sweep.claimer("w1")
    mine.assign(sweep.batches[0])
    mine.claim()
    mine.assign(sweep.batches[1])
    mine.drop_all()
    mine.claim()
    assert not mine
    other = sweep.claimer("w2", JobFacts("78"))
    other.assign(sweep.batches[1])
    other.claim()
    assert waiting(other) == [(2, 1), (3, 1)]


def test_an_inbox_is_open_until_its_conductor_seals_it(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "inbox")
    inbox = Inbox(tmp_path / "inbox")
    writer.append(events.ConductorHead("conductor-a", this_process()))
    writer.append(events.Assigned("launch-0/submit-0/0"))
    assert inbox.read_new() == ["launch-0/submit-0/0"]
    assert (inbox.read_new(), inbox.closed, inbox.is_abandoned()) == ([], False, False)
    writer.append(events.Assigned("launch-0/submit-0/1"))
    writer.seal()
    assert inbox.read_new() == ["launch-0/submit-0/1"]
    assert inbox.closed


@pytest.mark.parametrize("is_dead", [False, True])
def test_an_inbox_is_abandoned_when_its_conductor_is_certainly_dead(tmp_path: Path, is_dead: bool) -> None:
    writer = JournalWriter(tmp_path / "inbox")
    writer.append(events.ConductorHead("conductor-a", killed_process() if is_dead else ELSEWHERE))
    inbox = Inbox(tmp_path / "inbox")
    assert not inbox.is_abandoned(), "nobody is known yet"
    inbox.read_new()
    assert inbox.is_abandoned() is is_dead


def submit(sweep: MadeSweep, *found: tuple[str, Span]) -> None:
    writer = JournalWriter(sweep.paths.journal("conductor-a"))
    for name, span in found:
        writer.append(events.Submit(name, token="t", tasks=(span,), source="local"))
    writer.append(events.Beat())


def test_a_later_submission_replaces_all_attempts_of_the_workers_own(sweep: Made) -> None:
    fences = Fences(sweep.paths, "launch-0/submit-1")
    assert fences.read_new() == []
    submit(
        sweep, ("launch-0/submit-0", Span(0, 1)), ("launch-0/submit-1", Span(0, 2)),
        ("launch-0/submit-2", Span(1, 1, 2)), ("launch-4/submit-0", Span(2, 1, 2)),
    )  # fmt: skip
    found = fences.read_new()
    assert [span for span, _ in found] == [Span(1, 1, 2), Span(2, 1, 2)]
    assert all(below > 1000 for _, below in found), "however often our job is run again"
    assert fences.read_new() == []


def test_for_a_worker_of_a_pool_only_later_attempts_replace(sweep: Made) -> None:
    submit(sweep, ("launch-0/submit-0", Span(0, 2)), ("launch-0/submit-1", Span(1, 1, 2)))
    assert Fences(sweep.paths, None).read_new() == [(Span(1, 1, 2), 2)]

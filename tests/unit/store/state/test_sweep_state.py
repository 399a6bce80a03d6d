"""What events add up to: the same in any order, and true about dead workers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsm_core.conductor.record_losses import write_losses
from hsm_core.model import ProcessIdentity, Span
from hsm_core.processes.identity import evidence_of_death, this_process
from hsm_core.store import events
from hsm_core.store.event_codec import Event
from hsm_core.store.files import to_line
from hsm_core.store.journal import JournalWriter
from hsm_core.store.state import unclaimed
from hsm_core.store.state.jobs import JobWord
from hsm_core.store.state.sweep_state import SweepState
from tests.unit.store.making import ELSEWHERE, MadeSweep, complete, fail, killed_process, real_process, start


def read_state(sweep: MadeSweep) -> SweepState:
    state = SweepState(sweep.root)
    state.refresh()
    return state


def test_why_an_app_should_not_be_forked_is_kept_when_later_importers_do_not_say_it(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    worker = sweep.worker("w1")
    worker.append(events.Ready("launch-0", "spawn", 1, 0.2, against_forks=("a C library",)))
    worker.append(events.Ready("launch-0", "spawn", 1, 0.1))
    (writer,) = [one for one in read_state(sweep).workers() if one.name == "w1"]
    assert writer.ready is not None
    assert writer.ready.against_forks == ("a C library",)


def test_counts_add_up_to_the_total(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=6)
    worker = sweep.worker("w1", spans=[Span(0, 4)])
    complete(worker, 0)
    fail(worker, 1, "no")
    start(worker, 2)
    sweep.conductor([Span(0, 4)], this_process())
    counts = read_state(sweep).counts()
    assert counts == {"completed": 1, "failed": 1, "running": 1, "queued": 1, "pending": 2}
    assert sum(counts.values()) == 6


def test_a_killed_worker_is_lost_with_evidence_and_its_queue_is_pending(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=3)
    with real_process() as (process, identity):
        worker = sweep.worker("w1", identity, [Span(0, 3)])
        complete(worker, 0)
        start(worker, 1)
        sweep.conductor([Span(0, 3)], identity)
        state = read_state(sweep)
        assert [state.state_of(task) for task in range(3)] == ["completed", "running", "queued"]
        process.kill()
        process.wait()
        state.refresh()
        assert [state.state_of(task) for task in range(3)] == ["completed", "lost", "pending"]
        assert f"process {process.pid}" in state.evidence_of(1)
        assert "gone" in state.evidence_of(1)
        assert state.numbers_in("lost") == [1]
        assert state.numbers_in("pending") == [2]


def test_what_a_dead_worker_claimed_and_never_began_is_held_by_who_it_was_given_to_next(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    sweep.worker("w1", killed_process(), [Span(0, 1)])
    conductor = sweep.conductor([Span(0, 1)], killed_process())
    assert read_state(sweep).state_of(0) == "pending"
    again = events.Submit("launch-0/submit-1", token="t", tasks=[Span(0, 1)], source="local")
    conductor.append(again)
    conductor.append(events.HandedOver("launch-0/submit-1", native_id="w2", job=this_process()))
    assert read_state(sweep).state_of(0) == "queued"


def test_the_last_words_of_a_dead_worker_count(tmp_path: Path) -> None:
    """It ends a task and dies between our reading of its file and our look at its process."""
    sweep = MadeSweep(tmp_path / "s", total=1)
    identity = killed_process()
    worker = sweep.worker("w1", identity, [Span(0, 1)])
    start(worker, 0)
    state = SweepState(sweep.root)
    judge = state._judge

    def write_then_judge() -> bool:
        worker.append(events.End(0, 1, "completed"))
        return judge()

    state._judge = write_then_judge  # type: ignore[method-assign]
    state.refresh()
    assert state.state_of(0) == "completed"


def test_a_sealed_worker_that_never_ended_a_task_has_lost_it(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    worker = sweep.worker("w1", spans=[Span(0, 1)])
    start(worker, 0)
    worker.seal()
    state = read_state(sweep)
    assert state.state_of(0) == "lost"
    assert "w1" in state.evidence_of(0)


def test_a_foreign_host_is_never_called_lost(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=2)
    worker = sweep.worker("w1", ELSEWHERE, [Span(0, 2)])
    start(worker, 0)
    sweep.conductor([Span(0, 2)], ELSEWHERE)
    state = read_state(sweep)
    assert [state.state_of(0), state.state_of(1)] == ["running", "queued"]


def test_another_boot_of_this_host_is_death(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    start(sweep.worker("w1", dataclasses.replace(this_process(), boot="an earlier one")), 0)
    state = read_state(sweep)
    assert state.state_of(0) == "lost"
    assert "rebooted" in state.evidence_of(0)


def test_a_recycled_process_number_is_death(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    start(sweep.worker("w1", dataclasses.replace(this_process(), start="12")), 0)
    assert read_state(sweep).state_of(0) == "lost"


def test_completed_of_an_unfenced_attempt_beats_lost(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    conductor = sweep.conductor([Span(0, 1)])
    conductor.append(events.Lost(0, 1, "it looked dead"))
    assert read_state(sweep).state_of(0) == "lost"
    complete(sweep.worker("w1"), 0)
    assert read_state(sweep).state_of(0) == "completed"


def test_a_later_attempt_fences_an_earlier_one(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    conductor = sweep.conductor([Span(0, 1)])
    conductor.append(events.Submit("launch-0/submit-1", token="t", tasks=[Span(0, 1, 2)], source="b"))
    complete(sweep.worker("w1"), 0)
    assert read_state(sweep).state_of(0) == "queued"


def test_events_without_their_fields_are_counted_as_bad(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=2)
    complete(sweep.worker("w1"), 1)
    bad = (
        {"e": "end"},
        {"e": "end", "t": 0, "a": 1, "state": "flying"},
        {"e": "start", "t": None, "a": 1},
    )
    with open(sweep.paths.journal("w1"), "ab") as stream:
        stream.writelines(map(to_line, (*bad, {"e": "of a later version", "t": 1})))
    state = read_state(sweep)
    assert state.bad_lines == 3
    assert [state.state_of(0), state.state_of(1)] == ["pending", "completed"]


def test_ten_thousand_queued_tasks_are_judged_once_a_refresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One question to the system a submission and a look, not one a task."""
    sweep = MadeSweep(tmp_path / "s", total=10_000)
    sweep.conductor([Span(0, 10_000)], this_process())
    state = read_state(sweep)
    asked: list[ProcessIdentity] = []

    def count(job: ProcessIdentity, lock: str = "") -> str | None:
        asked.append(job)
        return evidence_of_death(job, lock)

    monkeypatch.setattr(unclaimed, "evidence_of_death", count)
    assert state.counts()["queued"] == 10_000
    assert state.numbers_in("queued") == list(range(10_000))
    assert len(asked) == 1


Word = tuple[int, int, str]
KINDS = ["start", "completed", "failed", "cancelled", "lost", "cancel", "queue"]
WORDS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from(KINDS)), max_size=14)


def event_of(word: Word) -> Event:
    task, attempt, kind = word
    if kind == "start":
        return events.Start(task, attempt, directory=str(task), suffix="", slot=0, pid=1, host="h")
    if kind == "lost":
        return events.Lost(task, attempt, "gone")
    if kind == "cancel":
        return events.Cancel(task, attempt)
    if kind == "queue":
        return events.Submit(f"launch-0/submit-{attempt}", token="t", tasks=[Span(task, 1, attempt)], source="b")
    return events.End(task, attempt, kind)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> MadeSweep:
    """A sweep whose only journal the tests rewrite."""
    return MadeSweep(tmp_path_factory.mktemp("bare") / "s")


def read_back(sweep: MadeSweep, data: bytes) -> SweepState:
    sweep.paths.journal("w1").write_bytes(data)
    return read_state(sweep)


def known_of(state: SweepState) -> dict[int, tuple[int, str]]:
    return {number: (task.attempt, task.state) for number, task in state.tasks.items()}


@given(words=WORDS, random=st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_events_does_not_matter(bare: MadeSweep, words: list[Word], random: Random) -> None:
    shuffled = list(words)
    random.shuffle(shuffled)
    one, other = (
        read_back(bare, b"".join(event_of(word).to_line(0) for word in order)) for order in (words, shuffled)
    )
    assert one.bad_lines == other.bad_lines == 0
    assert known_of(one) == known_of(other)
    assert one.counts() == other.counts()


def plain_fold(lines: list[bytes]) -> dict[int, tuple[int, str]]:
    """The fold in its plainest form, every line parsed by json: what the quick reading must equal."""
    rank = {"queued": 0, "running": 1, "lost": 2, "cancelled": 3, "failed": 4, "completed": 5}
    found: dict[int, tuple[int, str]] = {}
    for line in lines:
        try:
            event = json.loads(line)
            kind, task, attempt = event["e"], event["t"], event["a"]
            state = {"start": "running", "end": event.get("state"), "lost": "lost", "cancel": "cancelled"}[
                kind
            ]
        except (ValueError, KeyError, TypeError):
            continue
        now = found.get(task)
        if now is None or (attempt, rank[state]) > (now[0], rank[now[1]]):
            found[task] = (attempt, state)
    return found


def some_lines() -> list[bytes]:
    words = [(0, "start"), (0, "completed"), (1, "start"), (1, "failed"), (2, "start")]
    made = [event_of((task, 1, kind)) for task, kind in words] + [event_of((1, 2, "start"))]
    said = 'said {"e":"end","t":2,"a":1,"state":"completed"} \n "s":9}'
    made[3] = dataclasses.replace(made[3], message=said, trace="a\nb")  # type: ignore[call-arg]
    return [event.to_line(number) for number, event in enumerate(made)]


def test_a_file_cut_at_every_byte_reads_as_its_whole_lines(bare: MadeSweep) -> None:
    data = b"".join(some_lines())
    for cut in range(len(data) + 1):
        whole = data[:cut].rpartition(b"\n")[0].split(b"\n")
        assert known_of(read_back(bare, data[:cut])) == plain_fold(whole), cut


def test_a_line_torn_anywhere_in_the_middle_costs_itself_only(bare: MadeSweep) -> None:
    """Its writer goes on with a newline; a crashed node may leave two lines run together, or NULs."""
    lines = some_lines()
    for cut in range(1, len(lines[1])):
        for join in (b"\n", b"", b"\0\0\0", b"\n\n"):
            data = lines[0] + lines[1][:cut] + join + b"".join(lines[2:])
            assert known_of(read_back(bare, data)) == plain_fold(data.split(b"\n")), (cut, join)


def test_what_a_reader_saw_before_is_not_read_again(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=2)
    worker: JournalWriter = sweep.worker("w1", spans=[Span(0, 2)])
    state = read_state(sweep)
    assert not state.refresh()
    complete(worker, 0)
    assert state.refresh()
    assert state.counts()["completed"] == 1
    worker.seal()
    state.refresh()
    sweep.paths.journal("w1").unlink()
    sweep.paths.journal("w1").write_bytes(b"")
    state.refresh()
    assert state.counts()["completed"] == 1


def test_a_job_that_is_queued_again_and_again_holds_what_it_has_not_begun(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=2)
    conductor = JournalWriter(sweep.paths.journal("conductor-a"))
    conductor.append(events.ConductorHead("conductor-a", this_process()))
    conductor.append(events.Submit("launch-0/submit-0", token="t", tasks=[Span(0, 2)], source="slurm"))
    conductor.append(events.HandedOver("launch-0/submit-0", native_id="133", job=None))
    for attempt in (1, 2, 3):
        worker = sweep.worker(f"slurm-133-{attempt - 1}", spans=[Span(0, 2, attempt)])
        start(worker, 0, attempt)
        worker.seal()
        state = read_state(sweep)
        state.take_job_words({("launch-0/submit-0", 0): JobWord("waiting")})
        assert (attempt, state.state_of(1)) == (attempt, "queued")
        assert (attempt, state.tasks[1].attempt) == (attempt, attempt)
    state.take_job_words({("launch-0/submit-0", 0): JobWord("ended", "failed")})
    assert state.state_of(1) == "pending"
    state.take_job_words({("launch-0/submit-0", 0): JobWord("waiting")})
    conductor.append(events.Gone([Span(1, 1, 3)], "lost", "node", "it is gone"))
    state.refresh()
    assert state.state_of(1) == "pending"


def test_what_a_living_worker_gave_up_is_lost_until_its_job_is_run_again(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=2)
    conductor = JournalWriter(sweep.paths.journal("conductor-a"))
    conductor.append(events.ConductorHead("conductor-a", this_process()))
    conductor.append(events.Submit("launch-0/submit-0", token="t", tasks=[Span(0, 2)], source="slurm"))
    conductor.append(events.HandedOver("launch-0/submit-0", native_id="133", job=None))
    worker = sweep.worker("slurm-133-0", ELSEWHERE, [Span(0, 2)])
    for number, final in ((0, True), (1, False)):
        start(worker, number)
        worker.append(events.Lost(number, 1, "a process died", final=final))
    worker.flush()
    state, key = read_state(sweep), ("launch-0/submit-0", 0)
    state.take_job_words({key: JobWord("running")})
    assert [state.state_of(0), state.state_of(1)] == ["lost", "running"]
    assert state.counts() == {"lost": 1, "running": 1, "pending": 0}
    state.take_job_words({key: JobWord("waiting")})  # an answer from before the worker began
    assert [state.state_of(0), state.state_of(1)] == ["lost", "queued"]
    worker.seal()
    state.refresh()
    assert [state.state_of(0), state.state_of(1)] == ["queued", "queued"]
    state.take_job_words({key: JobWord("ended", "failed", "walltime", "its time is over")})
    assert [state.state_of(0), state.state_of(1)] == ["lost", "failed"]
    assert state.evidence_of(0) == "a process died"
    later = JournalWriter(sweep.paths.journal("conductor-b"))
    later.append(events.ConductorHead("conductor-b", this_process()))
    assert write_losses(state, later)
    later.flush()
    state.refresh()
    assert [state.state_of(0), state.state_of(1)] == ["lost", "failed"]


def test_an_attempt_that_was_refused_has_not_ended_with_the_job_of_an_earlier_one(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "sweep", 1)
    sweep.paths.make_directories()
    writer = JournalWriter(sweep.paths.journal("conductor-a"))
    writer.append(events.ConductorHead("conductor-a", this_process()))
    writer.append(events.Submit("launch-0/submit-0", "t-1", (Span(0, 1, 1),), "box1"))
    writer.append(events.HandedOver("launch-0/submit-0", "box1-a"))
    writer.append(events.Lost(0, 1, "node failure"))
    writer.append(events.Submit("launch-0/submit-1", "t-2", (Span(0, 1, 2),), "slurm"))
    state = SweepState(sweep.root)
    state.refresh()
    state.take_job_words({("launch-0/submit-0", 0): JobWord("ended", "lost", "node", "node failure")})
    assert state.state_of(0) == "queued"
    writer.append(events.Refusal("launch-0/submit-1", "invalid account"))
    state.refresh()
    assert (state.state_of(0), state.unrecorded_end(0)) == ("pending", None)

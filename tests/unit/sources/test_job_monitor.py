"""What a scheduler's answers mean for the tasks of a sweep."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest

from hsm_core.conductor.warnings import Troubles
from hsm_core.errors import NoAnswer
from hsm_core.model import Span, Task
from hsm_core.schedulers.interface import JobStatus
from hsm_core.sources.job_monitor import JobMonitor
from hsm_core.sources.queue.own_jobs import idle_jobs
from hsm_core.sources.queue.submitted_jobs import SubmittedJobs
from hsm_core.sources.snapshot import snapshot_of
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.requests import request_cancel
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.failures.by_cause import group_failures
from hsm_core.views.failures.not_begun import group_unbegun, unbegun_line
from hsm_core.views.task_list import task_json
from tests.unit.store.making import ELSEWHERE, MadeSweep, killed_process, start

from .stand_in import StandIn, submitted


def monitor(state: SweepState, scheduler: StandIn, **patience: float) -> JobMonitor:
    jobs = SubmittedJobs(scheduler.name, scheduler, state.paths, **patience)  # type: ignore[arg-type]
    return JobMonitor(state, jobs)


class Watched:
    """A sweep of three tasks, one an element, and who watches it."""

    def __init__(self, root: Path, each: int = 1) -> None:
        self.scheduler = StandIn()
        self.sweep = submitted(root, self.scheduler, 3, each=each)
        self.state = SweepState(root)
        self.state.refresh()
        self.watch = monitor(self.state, self.scheduler)

    def poll(self) -> bool:
        return self.watch.poll_now(time.monotonic())

    def states(self) -> list[str]:
        self.state.refresh()
        return [self.state.state_of(number) for number in range(self.state.total)]

    def begin(self, task: int) -> JournalWriter:
        """A worker on another host begins a task."""
        worker = self.sweep.worker(f"slurm-7_{task}-0", ELSEWHERE)
        start(worker, task)
        worker.sync()
        self.state.refresh()
        return worker


@pytest.fixture
def it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return Watched(tmp_path / "sweep")


def test_what_waits_and_runs_stays(it: Watched) -> None:
    it.scheduler.shows("waiting", "7_0", "7_1", "7_2")
    assert it.poll()
    assert it.states() == ["queued"] * 3


def test_unknown_twice_is_gone_and_once_is_not(it: Watched) -> None:
    it.scheduler.shows("running", "7_0")
    it.begin(1)
    it.poll()
    assert it.states() == ["queued", "running", "queued"]
    it.poll()
    assert it.states() == ["queued", "lost", "pending"]
    assert "no longer knows job 7_1" in it.state.evidence_of(1)


def test_known_again_counts_from_the_beginning(it: Watched) -> None:
    it.begin(0)
    for known in ([], ["7_0", "7_1", "7_2"], []):
        it.scheduler.shows("running", *known)
        it.poll()
    assert it.states() == ["running", "queued", "queued"]


def test_waiting_then_gone_was_cancelled(it: Watched) -> None:
    it.scheduler.shows("waiting", "7_0", "7_1", "7_2")
    it.poll()
    it.scheduler.shows("waiting", "7_0", "7_1")
    it.poll()
    it.poll()
    assert it.states() == ["queued", "queued", "cancelled"]
    assert it.state.end_of(2).reason == "cancelled"


def test_what_its_queue_does_not_call_unknown_itself_is_not_gone(it: Watched) -> None:
    it.scheduler.mute = {"7_1"}  # an empty or cut answer, with exit 0
    for _ in range(4):
        it.poll()
    assert it.states() == ["pending", "queued", "pending"]
    it.scheduler.mute = None
    before = it.states()
    it.poll()
    assert it.states() == before
    assert it.watch.trouble == "scontrol: exit code 1"


@pytest.mark.parametrize("keeps_s", [0.0, 1e-9])
def test_what_waited_and_may_have_run_since_was_not_cancelled(it: Watched, keeps_s: float) -> None:
    it.scheduler.keeps_s = keeps_s
    it.scheduler.shows("waiting", "7_0", "7_1", "7_2")
    it.poll()
    it.scheduler.shows("waiting", "7_0", "7_1")
    for _ in range(2):
        it.poll()
    assert it.states() == ["queued", "queued", "pending"]


def test_where_jobs_may_be_dropped_what_never_began_was_and_is_not_submitted_again(it: Watched) -> None:
    it.scheduler.why_dropped, it.scheduler.keeps_s = "a failed dependency", 0.0
    it.scheduler.shows("waiting", "7_0", "7_1", "7_2", why="(Held)")
    it.poll()
    it.scheduler.shows("waiting", "7_0")
    (it.state.paths.logs / "demo-abcdefgh.2.log").write_text("module: no such module\n")
    it.poll()
    it.poll()
    assert it.states() == ["queued", "failed", "pending"]
    assert it.state.end_of(1).reason == "launch"
    assert "job 7_1 left the queue before it started" in it.state.evidence_of(1)
    assert "(Held)" in it.state.evidence_of(1)
    assert "module: no such module" in it.state.evidence_of(2)


def test_an_end_that_nobody_keeps_is_explained_like_a_job_that_is_gone(it: Watched) -> None:
    it.scheduler.why_dropped = "a failed dependency"
    it.begin(0)
    it.scheduler.statuses = {one: JobStatus(one, "ended", "X", untold=True) for one in ("7_0", "7_1", "7_2")}
    it.poll()
    assert it.states() == ["lost", "failed", "failed"]
    assert it.state.end_of(1).reason == "launch"


def test_what_is_known_to_be_gone_is_not_asked_about_again(it: Watched) -> None:
    it.scheduler.statuses = {}
    it.poll()
    it.poll()
    asked = len(it.scheduler.calls("poll"))
    it.poll()
    assert len(it.scheduler.calls("poll")) == asked


def test_a_controller_that_forgot_everything_cancelled_nothing(it: Watched) -> None:
    it.scheduler.shows("waiting", "7_0", "7_1", "7_2")
    it.poll()
    it.scheduler.shows("waiting")
    for _ in range(2):
        it.poll()
    assert it.states() == ["pending"] * 3
    (group,) = group_unbegun(it.state)
    assert "no longer knows job" in group.message


@pytest.mark.parametrize("tasks", [None, [Span(1, 2)]])
def test_what_is_gone_as_somebody_asked_was_cancelled(it: Watched, tasks: list[Span] | None) -> None:
    (it.sweep.paths.hsm / "launch-0").mkdir(exist_ok=True)
    request_cancel(it.sweep.paths, tasks)
    for _ in range(2):
        it.poll()
    assert it.states() == ["cancelled" if tasks is None else "pending", "cancelled", "cancelled"]
    assert it.state.end_of(1).reason == "cancelled"


def test_a_request_from_before_its_launch_cancelled_nothing(it: Watched) -> None:
    request_cancel(it.sweep.paths, None)
    (it.sweep.paths.hsm / "launch-0").mkdir(exist_ok=True)
    for _ in range(2):
        it.poll()
    assert it.states() == ["pending"] * 3


def test_a_forgotten_job_that_left_a_log_could_not_start_its_worker(it: Watched) -> None:
    it.scheduler.shows("waiting", "7_0", "7_1", "7_2")
    it.poll()
    said = "Loading\n\nbash: line 7: module: command not found\nbash: python9: No such file\n"
    (it.sweep.paths.logs / f"{it.scheduler.name}-7_2.log").write_text(said)
    it.scheduler.shows("waiting", "7_0", "7_1")
    for _ in range(2):
        it.poll()
    assert it.states() == ["queued", "queued", "failed"]
    found = task_json(it.state, Task(2, ()))
    assert found["reason"] == "launch"
    assert found["message"].startswith(
        "the job could not start its worker: Loading / bash: line 7: module: command not found / "
        "bash: python9: No such file; "
    )


def test_a_forgotten_job_whose_worker_began_is_lost_and_its_log_is_told(it: Watched) -> None:
    worker = JournalWriter(it.sweep.paths.journal("slurm-7_0-0"))
    worker.append(events.WorkerHead("slurm-7_0-0", ELSEWHERE, source="slurm", native_id="7_0", lock="", slots=1))
    start(worker, 0)
    worker.sync()
    it.state.refresh()
    it.state.writers["slurm-7_0-0"].heard_at -= 100
    (it.sweep.paths.logs / f"{it.scheduler.name}-7_0.log").write_text("bus error\n")
    it.scheduler.shows("waiting", "7_1", "7_2")
    for _ in range(2):
        it.poll()
    assert it.states()[0] == "lost"
    assert it.state.end_of(0).reason == "unknown"
    assert it.state.evidence_of(0).endswith("its log ends: bus error")


def test_a_plain_job_is_asked_about_by_its_own_id(tmp_path: Path, it: Watched) -> None:
    it.scheduler.statuses, it.scheduler.mute = {}, {"9"}
    submitted(tmp_path / "plain", it.scheduler, 2, each=2, native_id="9")
    state = SweepState(tmp_path / "plain")
    state.refresh()
    watch = monitor(state, it.scheduler)
    for _ in range(3):
        watch.poll_now(time.monotonic())
    assert [state.state_of(number) for number in (0, 1)] == ["queued", "queued"]
    it.scheduler.past = {"9": JobStatus("9", "ended", "NODE_FAIL", reason="node", evidence="its node failed")}
    watch.poll_now(time.monotonic())
    assert [state.ended_before(number).reason for number in (0, 1)] == ["node", "node"]  # type: ignore[union-attr]


def test_the_accounting_goes_before_a_guess(it: Watched) -> None:
    it.begin(0)
    it.scheduler.shows("running", "7_1", "7_2")
    it.scheduler.past = {
        "7_0": JobStatus("7_0", "ended", "OUT_OF_MEMORY", state="failed", reason="oom", evidence="OUT_OF_MEMORY")
    }
    it.poll()
    it.poll()
    assert it.states() == ["failed", "queued", "queued"]
    assert it.state.end_of(0).reason == "oom"
    assert it.scheduler.calls("poll_accounting") == [["7_0"]]


def test_an_accounting_that_is_silent_twice_is_as_good_as_none(it: Watched) -> None:
    it.begin(0)
    it.scheduler.past = None
    it.scheduler.shows("running", "7_1", "7_2")
    for _ in range(2):
        it.poll()
    assert it.states() == ["running", "queued", "queued"]
    assert it.watch.trouble
    it.poll()
    assert it.states() == ["lost", "queued", "queued"]
    assert len(it.scheduler.calls("poll_accounting")) == 2


def test_who_only_looks_concludes_nothing_while_the_accounting_is_silent(it: Watched) -> None:
    it.watch = monitor(it.state, it.scheduler, times_gone=1)
    it.begin(0)
    it.scheduler.past = None
    it.poll()
    assert it.states() == ["running", "queued", "queued"]


@pytest.mark.parametrize(
    ("held", "named"), [(["7_0", "7_1", "7_2"], "7"), (["7_2"], "7_2"), (["7_0", "7_2"], "7_0, 7_2")]
)
def test_what_will_never_start_is_named_by_its_elements(it: Watched, held: list[str], named: str) -> None:
    it.scheduler.shows("waiting", "7_0", "7_1", "7_2")
    assert it.scheduler.statuses is not None
    for one in held:
        it.scheduler.statuses[one] = JobStatus(one, "waiting", "PENDING", why="JobHeldAdmin", hopeless=True)
    it.poll()
    assert it.watch.hopeless == {named: "JobHeldAdmin"}


def test_what_somebody_must_let_go_is_named_with_the_line_that_does(it: Watched) -> None:
    facts = {"why": "JobHeldUser", "until": "until you release it", "remedy": "let 7 go"}
    it.scheduler.shows("waiting", "7_0", "7_1", "7_2", **facts)
    it.poll()
    assert it.watch.held == {"7": ("JobHeldUser", "until you release it", "let 7 go")}
    assert not it.watch.hopeless
    told: list[str] = []
    Troubles(it.state, [it.watch]).tell(told.append)
    assert told == ["warning: job 7 waits until you release it: JobHeldUser\n  next: let 7 go"]
    key = it.state.jobs.key_of(0)
    assert key is not None
    assert it.state.jobs.words[key].why == "JobHeldUser: until you release it"


def test_jobs_that_wait_though_their_tasks_have_ended_are_found(it: Watched) -> None:
    worker = it.begin(0)
    worker.append(events.End(0, 1, "completed"))
    worker.sync()
    it.state.refresh()
    it.scheduler.shows("waiting", "7_0", "7_1")
    assert list(idle_jobs(snapshot_of(it.state, it.scheduler.name), it.scheduler)) == ["7_0"]
    it.scheduler.shows("running", "7_0")
    assert list(idle_jobs(snapshot_of(it.state, it.scheduler.name), it.scheduler)) == []


def test_a_job_that_showed_up_late_under_a_submissions_name_is_idle_once_its_tasks_have_ended(it: Watched) -> None:
    it.scheduler.statuses = {}
    it.scheduler.queued = [
        JobStatus(element, "waiting", "PENDING", name)
        for element, name in (("9_0", "demo-abcdefgh"), ("7_1", "demo-abcdefgh"), ("9_2", "mine"))
    ]
    assert list(idle_jobs(snapshot_of(it.state, it.scheduler.name), it.scheduler)) == []
    worker = it.begin(0)
    for number in range(it.state.total):
        worker.append(events.End(number, 1, "completed"))
    worker.sync()
    it.state.refresh()
    assert list(idle_jobs(snapshot_of(it.state, it.scheduler.name), it.scheduler)) == ["9_0"]


def test_a_question_that_failed_changes_nothing(it: Watched) -> None:
    it.begin(0)
    it.scheduler.statuses = None
    for _ in range(4):
        assert not it.poll()
    assert it.states() == ["running", "queued", "queued"]
    assert it.watch.trouble == "squeue: exit code 1"
    it.scheduler.shows("running", "7_0", "7_1", "7_2")
    assert it.poll()
    assert it.watch.trouble == ""


def test_an_unknown_word_is_alive(it: Watched) -> None:
    it.begin(0)
    it.scheduler.shows("running", "7_0", "7_1", "7_2", word="POWER_UP_NODE")
    for _ in range(3):
        it.poll()
    assert it.states() == ["running", "queued", "queued"]


def test_an_end_counts_although_no_worker_told_it(it: Watched) -> None:
    it.begin(0)
    it.scheduler.shows("ended", "7_0", "7_1", "7_2", reason="node", evidence="its node failed")
    it.poll()
    assert it.states() == ["lost", "pending", "pending"]
    assert it.state.evidence_of(0) == "its node failed"


def test_an_end_that_the_scheduler_does_not_explain_is_explained_by_the_jobs_log(it: Watched) -> None:
    it.begin(0)
    name = f"{it.scheduler.name}-7_0.log"
    (it.sweep.paths.logs / name).write_text("x\nslurmstepd: error: StepId=7.batch exceeded memory limit (3 > 2)\n")
    it.scheduler.shows("ended", "7_0")
    it.poll()
    assert (it.states()[0], it.state.end_of(0).reason) == ("failed", "oom")
    assert "exceeded memory limit" in it.state.end_of(0).message


@pytest.mark.parametrize("name", [".1.log", ".log-1", ".log"])
def test_of_a_forgotten_job_its_log_still_tells(it: Watched, name: str) -> None:
    it.begin(1)
    token = it.state.jobs.submissions()[0].token
    (it.sweep.paths.logs / f"{token}.log-0").write_text("job killed: mem 3kb exceeded limit 2kb\n")
    (it.sweep.paths.logs / f"{token}{name}").write_text("=>> PBS: job killed: walltime 85 exceeded limit 60\n")
    for _ in range(2):
        it.poll()
    assert (it.states()[1], it.state.end_of(1).reason) == ("failed", "walltime")


def test_why_a_job_ended_before_it_began_its_tasks_is_kept(it: Watched) -> None:
    worker = it.begin(0)
    it.scheduler.shows("ended", "7_0", "7_1", "7_2", reason="launch", evidence="job held, 21 attempts for 7.srv")
    it.poll()
    worker.append(events.End(0, 1, "completed", wall=1.0))
    worker.sync()
    assert it.states() == ["completed", "pending", "pending"]
    (group,) = group_unbegun(it.state)
    assert (group.reason, group.tasks) == ("launch", (1, 2))
    assert unbegun_line(group) == "2 not started, launch: job held, 21 attempts for 7.srv"
    told = [task_json(it.state, Task(number, ())) for number in range(3)]
    assert [(one["state"], one["reason"]) for one in told] == [
        ("completed", None), ("pending", "launch"), ("pending", "launch"),
    ]  # fmt: skip
    assert told[1]["message"] == "job held, 21 attempts for 7.srv"


@pytest.mark.parametrize("warned", [True, False])
@pytest.mark.parametrize(
    ("asked", "more"), [({"walltime_min": 10}, 20), ({}, 2)], ids=["asked for", "the site's time"]
)
def test_what_a_worker_left_as_its_jobs_time_was_over_needs_more_time(
    it: Watched, warned: bool, asked: dict[str, int], more: int
) -> None:
    name, head = "slurm-7_0-0", {"source": "slurm", "native_id": "7_0", "lock": "", "slots": 1, "resources": asked}
    worker = JournalWriter(it.sweep.paths.journal(name))
    worker.append(events.WorkerHead(name, ELSEWHERE, **head))
    worker.append(events.Claimed("launch-0/submit-0/0", [Span(0, 2)]))
    start(worker, 0)
    if warned:
        worker.append(events.Warned())
    worker.append(events.End(0, 1, "completed", wall=1.0))
    worker.seal()
    completed = "the job ended, but its worker reported nothing: Slurm says COMPLETED"
    it.scheduler.shows("ended", "7_0", "7_1", "7_2", reason="unknown", evidence=completed)
    it.poll()
    assert it.states() == ["completed", "pending", "pending"]
    never, left = sorted(group_unbegun(it.state), key=lambda group: -group.example)
    assert (left.tasks, never.tasks, never.message) == ((1,), (2,), completed)
    resume = f"hsm resume {it.state.record.id}"
    if not warned:
        assert (left.message, left.suggestion) == ("its worker ended before starting them", resume)
        return
    longer = f"hydra.launcher.timeout_min={more}"
    assert (left.reason, left.suggestion) == ("walltime", f"{resume} --set {longer}    # or fewer tasks per job")
    assert unbegun_line(left) == (
        "1 not started, walltime: its worker ended because its job was nearly out of time: "
        f"ask for {longer} # or fewer tasks per job"
    )


def test_what_nobody_submitted_has_no_reason(it: Watched) -> None:
    it.scheduler.shows("waiting", "7_0", "7_1", "7_2")
    it.poll()
    assert group_unbegun(it.state) == []
    assert task_json(it.state, Task(0, ()))["reason"] is None


def test_a_workers_own_word_beats_its_schedulers(it: Watched) -> None:
    worker = it.begin(0)
    it.scheduler.shows("ended", "7_0", reason="node")
    it.poll()
    worker.append(events.End(0, 1, "completed", wall=1.0))
    worker.sync()
    assert it.states()[0] == "completed"


def test_why_a_worker_gave_an_attempt_up_says_more_than_a_scheduler_that_knows_nothing(it: Watched) -> None:
    for task in (0, 1):
        worker = it.begin(task)
        worker.append(events.Lost(task, 1, "it wrote a checkpoint"))
        worker.sync()
    it.scheduler.shows("ended", "7_0", evidence="exit code 1")
    it.scheduler.statuses["7_1"] = JobStatus("7_1", "ended", "PREEMPTED", reason="preempted", evidence="preempted")  # type: ignore[index]
    it.poll()
    assert it.states()[:2] == ["lost", "lost"]
    assert it.state.evidence_of(0) == "it wrote a checkpoint"
    assert it.state.evidence_of(1) == "preempted"


def test_a_worker_that_died_brings_the_question_forward(it: Watched) -> None:
    it.scheduler.shows("running", "7_0", "7_1", "7_2")
    assert it.watch.poll()
    it.watch._cadence._quiet_since -= 600  # ten quiet minutes
    assert not it.watch.poll()
    worker = it.sweep.worker("slurm-7_0-0", killed_process())
    start(worker, 0)
    worker.sync()
    it.state.refresh()
    asked = len(it.scheduler.calls("poll"))
    deadline = time.monotonic() + 4
    while len(it.scheduler.calls("poll")) == asked and time.monotonic() < deadline:
        it.watch.poll()
    assert len(it.scheduler.calls("poll")) == asked + 1


def orphaned(root: Path, scheduler: StandIn) -> SweepState:
    """Its conductor was killed before it had an answer to its submission."""
    from hsm_core.model import Span

    sweep = MadeSweep(root, 2)
    sweep.paths.make_directories()
    journal = JournalWriter(sweep.paths.journal("conductor-a"))
    journal.append(events.ConductorHead("conductor-a", killed_process()))
    line = events.Submit("launch-0/submit-0", "demo-abcdefgh", tasks=[Span(0, 2)], each=1, source=scheduler.name)
    journal.append(line)
    journal.sync()
    state = SweepState(root)
    state.refresh()
    return state


def test_an_unanswered_submission_is_looked_for_by_its_token(it: Watched, tmp_path: Path) -> None:
    state = orphaned(tmp_path / "other", it.scheduler)
    it.scheduler.found = "9"
    it.scheduler.shows("running", "9_0", "9_1")
    watch = monitor(state, it.scheduler)
    watch.poll_now(time.monotonic())
    watch.poll_now(time.monotonic())
    assert it.scheduler.calls("find") == ["demo-abcdefgh"]
    assert "9" in str(it.scheduler.calls("poll")[-1])
    assert [state.state_of(number) for number in (0, 1)] == ["queued", "queued"]


def test_one_that_never_arrived_leaves_its_tasks_pending(it: Watched, tmp_path: Path) -> None:
    state = orphaned(tmp_path / "other", it.scheduler)
    watch = monitor(state, it.scheduler)
    watch.poll_now(time.monotonic())
    assert [state.state_of(number) for number in (0, 1)] == ["pending", "pending"]


def test_while_nobody_knows_whether_it_arrived_it_may_have(it: Watched, tmp_path: Path) -> None:
    state = orphaned(tmp_path / "other", it.scheduler)
    it.scheduler.found = NoAnswer("no answer", evidence="connect failure")
    watch = monitor(state, it.scheduler)
    watch.poll_now(time.monotonic())
    assert [state.state_of(number) for number in (0, 1)] == ["queued", "queued"]
    assert watch.trouble == "connect failure"


def test_a_job_whose_worker_beats_is_not_gone_because_its_queue_says_nothing(it: Watched) -> None:
    worker = JournalWriter(it.sweep.paths.journal("slurm-7_1-0"))
    worker.append(events.WorkerHead("slurm-7_1-0", ELSEWHERE, source="slurm", native_id="7_1", lock="", slots=1))
    start(worker, 1)
    worker.sync()
    it.state.refresh()
    for _ in range(4):
        it.poll()
    assert it.states() == ["pending", "running", "pending"]
    it.state.writers["slurm-7_1-0"].heard_at -= 3 * 5.0
    it.poll()
    assert it.states()[1] == "lost"


def test_what_a_queue_has_not_shown_yet_is_gone_only_where_a_worker_has_spoken(it: Watched) -> None:
    worker = JournalWriter(it.sweep.paths.journal("slurm-7_0-0"))
    worker.append(events.WorkerHead("slurm-7_0-0", ELSEWHERE, source="slurm", native_id="7_0", lock="", slots=1))
    worker.seal()
    it.state.refresh()
    submission = it.state.jobs.submissions()[0]
    submission.at = time.time() - 50
    for _ in range(4):
        it.poll()
    assert it.states() == ["pending", "queued", "queued"]
    submission.at -= 20
    it.poll()
    assert it.states() == ["pending"] * 3


@pytest.mark.parametrize("reason", ["unknown", "launch"])
def test_a_setup_line_that_failed_is_told_and_not_tried_again(it: Watched, reason: str) -> None:
    log = it.sweep.paths.logs / f"{it.scheduler.name}-7_1.log"
    log.write_text("x: not found\nhsm: a set-up line failed (exit code 127): x\n")
    it.scheduler.shows("ended", "7_0", "7_1", "7_2", reason=reason, evidence="exit code 127")
    it.poll()
    assert it.states() == ["pending", "failed", "pending"]
    (group,) = group_failures(it.state)
    assert (group.reason, group.message, group.log) == (
        "launch", "a set-up line failed (exit code 127): x; it said: x: not found", log,
    )  # fmt: skip
    told: list[str] = []
    Troubles(it.state, [it.watch]).tell(told.append)
    assert told[0].startswith("warning: a set-up line failed (exit code 127): x\n  next: hsm errors ")


@pytest.mark.parametrize("reason", ["unknown", "launch"])
@pytest.mark.parametrize(
    "said",
    [
        "/var/spool/slurmd/job7/slurm_script: line 9: /no/python: No such file or directory",
        "exec: python9: not found",
        "/bin/bash: /opt/python: cannot execute: required file not found",
        "python3: can't open file '/gone/hsm_core/worker/__main__.py': [Errno 2] No such file or directory",
        "Traceback (most recent call last):\n  File x, line 1\nModuleNotFoundError: No module named 'hsm_core'",
    ],
)
def test_a_job_that_cant_start_its_worker_is_not_submitted_again(it: Watched, said: str, reason: str) -> None:
    (it.sweep.paths.logs / f"{it.scheduler.name}-7_1.log").write_text(f"Loading\n{said}\n")
    (it.sweep.paths.logs / f"{it.scheduler.name}-7_2.log").write_text("Loading\nBus error\n")
    it.scheduler.shows("ended", "7_0", "7_1", "7_2", reason=reason, evidence="exit code 127")
    it.poll()
    assert it.states() == ["pending", "failed", "pending"]
    found = task_json(it.state, Task(1, ()))
    assert found["reason"] == "launch"
    words = said.splitlines()[-1].removeprefix("/var/spool/slurmd/job7/slurm_script: ")
    assert words in found["message"]
    told: list[str] = []
    Troubles(it.state, [it.watch]).tell(told.append)
    assert told[0].startswith("warning: the job could not start its worker: ")
    assert words in told[0]


def test_a_young_job_that_left_a_log_has_begun_and_can_be_gone(it: Watched) -> None:
    it.state.jobs.submissions()[0].at = time.time()
    (it.sweep.paths.logs / f"{it.scheduler.name}-7_1.log").write_text("no python here\n")
    for _ in range(3):
        it.poll()
    assert it.states() == ["queued", "pending", "queued"]
    assert task_json(it.state, Task(1, ()))["reason"] == "launch"


def test_what_was_just_cancelled_is_gone_though_no_answer_has_ever_named_it(it: Watched) -> None:
    it.watch = monitor(it.state, it.scheduler, young_s=0)
    it.state.jobs.submissions()[0].at = time.time()
    it.poll()
    assert it.states() == ["queued"] * 3
    it.poll()
    assert it.states() == ["pending"] * 3

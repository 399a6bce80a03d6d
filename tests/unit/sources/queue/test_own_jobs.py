"""A job is cancelled only if its scheduler says that it is the sweep's, whatever a record says."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from hsm_core.errors import NoAnswer
from hsm_core.hosts.interface import Host
from hsm_core.schedulers.pbs.dialect import Pbs
from hsm_core.schedulers.slurm.dialect import Slurm
from hsm_core.sources.queue.own_jobs import OwnJobs
from hsm_core.sources.queue.submitted_jobs import SubmittedJobs
from hsm_core.sources.snapshot import snapshot_of
from hsm_core.store.state.jobs import SubmissionState
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import WorkerSpec, write_submission
from hsm_core.testing.recording import RecordingHost
from tests.unit.sources.stand_in import StandIn, submitted
from tests.unit.store.making import MadeSweep

TOKEN = "demo-abcdefgh"


@pytest.fixture
def scheduler() -> StandIn:
    return StandIn()


def jobs_of(root: Path, scheduler: StandIn, **facts: str) -> tuple[SubmittedJobs, SweepState]:
    sweep = submitted(root, scheduler, 3, **facts)  # type: ignore[arg-type]
    state = SweepState(sweep.paths.root)
    state.refresh()
    return SubmittedJobs(scheduler.name, scheduler, state.paths), state


def cancel(root: Path, scheduler: StandIn, how: str, **facts: str) -> None:
    jobs, state = jobs_of(root, scheduler, **facts)
    snapshot = snapshot_of(state, scheduler.name)
    if how == "all":
        jobs.cancel(snapshot)
    else:
        jobs.cancel_tasks(snapshot, [1])


@pytest.mark.parametrize(("how", "ended"), [("all", "7"), ("some", "7_1")])
def test_jobs_with_the_name_of_their_submission_are_cancelled(
    tmp_path: Path, scheduler: StandIn, how: str, ended: str
) -> None:
    scheduler.shows("running", "7_0", "7_1", "7_2", name=TOKEN)
    cancel(tmp_path, scheduler, how)
    assert scheduler.calls("cancel") == [[ended]]
    assert scheduler.calls("poll") == [["7"]]


@pytest.mark.parametrize("how", ["all", "some"])
@pytest.mark.parametrize("name", ["interactive", "", "demo-abcdefgi"])
def test_a_job_of_another_name_is_not(tmp_path: Path, scheduler: StandIn, how: str, name: str) -> None:
    scheduler.shows("running", "7_0", "7_1", "7_2", name=name)
    with pytest.raises(NoAnswer, match="1 job not cancelled: not known to be this sweep's") as raised:
        cancel(tmp_path, scheduler, how)
    assert "the name of job 7" in raised.value.evidence
    assert scheduler.calls("cancel") == []


@pytest.mark.parametrize("how", ["all", "some"])
def test_without_an_answer_nothing_is_cancelled(tmp_path: Path, scheduler: StandIn, how: str) -> None:
    scheduler.statuses = None
    with pytest.raises(NoAnswer, match="1 job not cancelled: no answer") as raised:
        cancel(tmp_path, scheduler, how)
    assert raised.value.evidence == "squeue: exit code 1"
    assert scheduler.calls("cancel") == []


@pytest.mark.parametrize("native_id", ["-u", "--me", "7 8", "all", "7_*", "7\n8"])
def test_what_is_no_id_is_no_word_of_a_command(tmp_path: Path, scheduler: StandIn, native_id: str) -> None:
    scheduler.shows("running", native_id, name=TOKEN)
    with pytest.raises(NoAnswer, match="not cancelled") as raised:
        cancel(tmp_path, scheduler, "all", native_id=native_id)
    assert "is not a job id" in raised.value.evidence
    assert [what for verb, what in scheduler.told if verb in ("poll", "cancel")] == []


def test_a_job_that_is_gone_is_no_error(tmp_path: Path, scheduler: StandIn) -> None:
    cancel(tmp_path, scheduler, "all")
    assert scheduler.calls("cancel") == []


def line_of(**facts: object) -> SubmissionState:
    line = SubmissionState("launch-0/submit-0", TOKEN, (), "slurm", 1, None, time.time(), (), "conductor-a")
    return replace(line, **{"native_id": "7", **facts})  # type: ignore[arg-type]


def test_a_young_job_that_the_queue_does_not_show_is_told(tmp_path: Path, scheduler: StandIn) -> None:
    own = OwnJobs(scheduler, MadeSweep(tmp_path, 1).paths)
    with pytest.raises(NoAnswer) as raised:
        own.cancel({"7": line_of()})
    assert "does not show job 7 yet" in raised.value.evidence


def test_what_was_accepted_here_needs_no_question(tmp_path: Path, scheduler: StandIn) -> None:
    own = OwnJobs(scheduler, MadeSweep(tmp_path, 1).paths)
    own.accept("7")
    scheduler.statuses = None
    assert own.cancel({"7": line_of(), "7_1": line_of()}) == 2
    assert [verb for verb, _ in scheduler.told] == ["cancel"]


def test_one_strange_job_does_not_keep_the_others(tmp_path: Path, scheduler: StandIn) -> None:
    scheduler.shows("running", "7", "8", name=TOKEN)
    own = OwnJobs(scheduler, MadeSweep(tmp_path, 1).paths)
    lines = {"7": line_of(), "8": line_of(native_id="8", token="other-abcdefgh"), "9x": line_of(native_id="9x")}
    with pytest.raises(NoAnswer, match="2 jobs not cancelled"):
        own.cancel(lines)
    assert scheduler.calls("cancel") == [["7"]]


def test_a_name_that_hsm_never_gives_proves_nothing(tmp_path: Path, scheduler: StandIn) -> None:
    scheduler.shows("running", "7", name="interactive")
    own = OwnJobs(scheduler, MadeSweep(tmp_path, 1).paths)
    with pytest.raises(NoAnswer) as raised:
        own.cancel({"7": line_of(token="interactive")})
    assert "'interactive', the name of launch-0/submit-0, is not one of hsm" in raised.value.evidence
    assert scheduler.calls("poll") == scheduler.calls("cancel") == []


def test_a_record_that_names_a_job_of_another_sweep_of_the_user(tmp_path: Path, scheduler: StandIn) -> None:
    """As one would that was copied from somebody else, who has seen the queue."""
    other = MadeSweep(tmp_path / "other", 1)
    launch = other.paths.launch(0)
    launch.root.mkdir(parents=True, exist_ok=True)
    found = write_submission(launch, "demo", (), WorkerSpec(), "launch-0")
    scheduler.shows("running", "7", name=found.token)
    own = OwnJobs(scheduler, MadeSweep(tmp_path / "copied", 1).paths)
    with pytest.raises(NoAnswer) as raised:
        own.cancel({"7": line_of(token=found.token)})
    assert "job 7 is of another sweep" in raised.value.evidence
    assert scheduler.calls("cancel") == []
    assert OwnJobs(scheduler, other.paths).cancel({"7": line_of(token=found.token)}) == 1


def test_arrays_of_others_are_not_throttled(tmp_path: Path, scheduler: StandIn) -> None:
    scheduler.shows("running", "7_0", name="mine")
    own = OwnJobs(scheduler, MadeSweep(tmp_path, 1).paths)
    assert own.throttle({"7": 2}, {"7": line_of()}) == ["7"]
    assert scheduler.calls("throttle") == []


@pytest.mark.parametrize(
    ("dialect", "good"),
    [
        (Slurm, ["1", "680", "680_3"]),
        (lambda host: Pbs("pbspro", host), ["12.pbs", "12[].head-1.org", "12[3].pbs", "12"]),
        (lambda host: Pbs("torque", host), ["12.pbs", "12[].pbs", "12[3].pbs"]),
    ],
)
def test_the_form_of_ids(dialect: type, good: list[str]) -> None:
    host: Host = RecordingHost()
    scheduler = dialect(host)
    assert [one for one in good if not scheduler.is_id(one)] == []
    strange = ["", "-7", "7 8", "7\n", "7;8", "all", "7,8", "7_[1-3]", "7[].-x", "7$(x)", "٣", "7.a/b", "@x"]
    assert [one for one in strange if scheduler.is_id(one)] == []

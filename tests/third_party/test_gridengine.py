"""The dialect of a third party's package on a real Grid Engine: hsm's contract, and what is Grid Engine's own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hsm_core.detect.scheduler import find_systems
from hsm_core.errors import BackendError
from hsm_core.hosts.local import LocalHost
from hsm_core.schedulers.batch_system import System
from hsm_core.schedulers.interface import JobStatus, LimitReached, NoAnswer, Refused
from hsm_core.schedulers.registry import find_system, make_scheduler
from hsm_core.testing.batch_system import BatchSystemContract, Registered
from hsm_core.testing.recording import RecordingHost
from hsm_core.testing.scheduler import Place, SchedulerContract
from hsm_core.testing.waiting import wait_until
from tests.integration.slurm_sweeping import wrapped
from tests.services.cluster import Cluster, running_gridengine

pytestmark = [pytest.mark.gridengine, pytest.mark.slow]


@contextmanager
def without_master() -> Iterator[None]:
    """Nobody listens there; a cell whose master was stopped for real needs 40 s to know its jobs again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SGE_QMASTER_PORT", "9")
        yield


@pytest.fixture
def place(gridengine: Cluster, weird_tmp_path: Path) -> Iterator[Place]:
    place = Place(
        scheduler=make_scheduler("gridengine", LocalHost()),
        directory=weird_tmp_path,
        refused="#$ -q nosuch.q",
        index="$((${SGE_TASK_ID/undefined/1} - 1))",
        outage=without_master,
        patience_s=120.0,  # execd may see a minute late that a short job has ended
    )
    yield place
    place.scheduler.cancel(place.submitted, at_once=True)


class TestGridEngine(SchedulerContract):
    """The contract."""


class TestGridEngineSystem(BatchSystemContract):
    @pytest.fixture
    def registered(self, gridengine_package: Path) -> Registered:
        system, log = find_system("gridengine"), {"SGE_STDOUT_PATH": "/logs/demo.log"}
        return Registered(
            system, system.scheduler(RecordingHost(), "auto"), system.parse({}), array="7", job="8",
            in_array={"JOB_ID": "7", "SGE_TASK_ID": "3", **log},
            in_job={"JOB_ID": "8", "SGE_TASK_ID": "undefined", **log}, again={"RESTARTED": "1"},
        )  # fmt: skip


# ---- what is Grid Engine's own


def ended(place: Place, native_id: str) -> JobStatus:
    """An ended element, as the accounting tells it; it may be late."""
    place.wait_for(native_id, "gone", whole=native_id.partition(".")[0])
    found = wait_until(lambda: place.scheduler.poll_accounting([native_id], 0.0), what="its accounting", every=0.2)
    return dict(found)[native_id]


def test_ended_elements_are_told_by_the_accounting(place: Place) -> None:
    whole = place.submit(place.script('[ "$SGE_TASK_ID" = 1 ] && exit 3; kill -9 $$', size=2))
    failed, killed = (ended(place, place.scheduler.element(whole, index)) for index in (0, 1))
    assert (failed.state, failed.reason, failed.node) == ("lost", "unknown", "localhost")
    assert "exit code 3" in failed.evidence
    assert "killed by signal 9" in killed.evidence
    assert place.scheduler.find(failed.name) == whole


def test_a_job_beyond_its_time_failed_for_it(place: Place) -> None:
    status = ended(place, place.submit(place.script("sleep 60", head="#$ -l h_rt=1")))
    assert (status.state, status.reason) == ("failed", "walltime")


def test_a_job_that_cant_be_started_is_stuck_with_its_reason(place: Place) -> None:
    script = place.script("true", head="#$ -h")
    native_id = place.submit(script)
    shutil.rmtree(script.cwd)
    subprocess.run(["qrls", native_id], check=True, timeout=60)
    wait_until(lambda: place.scheduler.poll([native_id])[native_id].stuck, what="its error", every=0.2)
    status = place.scheduler.poll([native_id])[native_id]
    assert (status.phase, status.reason, status.stuck) == ("ended", "launch", True)
    assert "No such file or directory" in status.evidence
    assert status.native_id in [one.native_id for one in place.scheduler.queue()]


def test_what_is_gone_is_called_unknown_and_nothing_else(place: Place) -> None:
    whole = place.submit(place.script('[ "$SGE_TASK_ID" = 1 ] && exit; sleep 60', size=2))
    first, second = (place.scheduler.element(whole, index) for index in (0, 1))
    place.wait_for(first, "gone", whole=whole)
    assert place.scheduler.unknown([first, second, whole, "999999", "999999.1"]) == {first, "999999", "999999.1"}


def test_a_held_job_says_so(place: Place) -> None:
    native_id = place.submit(place.script("true", head="#$ -h"))
    status = place.scheduler.poll([native_id])[native_id]
    assert (status.phase, status.why) == ("waiting", "held")


@pytest.mark.parametrize("body", ["exit 0", '"$REAL" "$@" | head -c 150', "echo 'error: commlib error' >&2; exit 1"])
def test_an_answer_that_is_not_whole_is_none(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    whole = place.submit(place.script("sleep 60", size=3))
    monkeypatch.setenv("PATH", wrapped(tmp_path / "bin", "qstat", body))
    for question in (lambda: place.scheduler.poll([whole]), place.scheduler.queue):
        with pytest.raises(NoAnswer):
            question()


@pytest.mark.slow
def test_a_limit_on_the_users_jobs_means_wait(
    tmp_path: Path, gridengine_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_gridengine("max_u_jobs 1") as cell:
        for name, value in cell.chosen_by.items():
            monkeypatch.setenv(name, value)
        scheduler = make_scheduler("gridengine", LocalHost())
        place = Place(scheduler, tmp_path, "", "", outage=without_master)
        place.submit(place.script("sleep 60", size=2))
        with pytest.raises(LimitReached):
            place.submit(place.script("true"))


def test_it_is_found_beside_hsms_own(gridengine: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    host = LocalHost()
    (found,) = [one for one in find_systems(host) if one.name == "gridengine"]
    assert isinstance(found, System)
    assert found.version.startswith("SGE 8")
    findings = {one.name: one.said for one in find_system("gridengine").findings(host, found)}
    assert findings["Grid Engine queues"] == "all.q, off.q, one.q, short.q"
    monkeypatch.setenv("SGE_ROOT", "/nowhere")
    with pytest.raises(BackendError, match=r"finds no cell(?s:.*)next: export SGE_ROOT="):
        find_system("gridengine").require(host, "auto")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BackendError, match="Grid Engine is not usable"):
        find_system("gridengine").require(host, "auto")


def test_a_queue_that_is_not_there_is_told_with_those_that_are(place: Place) -> None:
    with pytest.raises(Refused) as refused:
        place.scheduler.submit(place.script("true", head=place.refused))
    assert (refused.value.field, refused.value.choices) == ("queue", ("all.q", "off.q", "one.q", "short.q"))


@pytest.mark.parametrize(("typed", "is_meant"), [("12", True), ("12.3", True), ("123", False), ("12[3]", False)])
def test_a_job_by_what_a_user_types(gridengine_package: Path, typed: str, is_meant: bool) -> None:
    assert find_system("gridengine").is_job("12", typed) is is_meant

"""PBS's dialect on a PBS that runs scripts: the contract in both flavours, and the traps that are PBS's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hsm_core.hosts.local import LocalHost
from hsm_core.schedulers.interface import JobStatus, LimitReached, NoAnswer, Refused
from hsm_core.schedulers.pbs.dialect import Flavour
from hsm_core.schedulers.pbs.dialect import Pbs as Dialect
from hsm_core.schedulers.pbs.flavour import find_pbs
from hsm_core.schedulers.pbs.script import script_text
from hsm_core.schedulers.pbs.settings import PbsResources
from hsm_core.testing.scheduler import Place, SchedulerContract
from tests.services.pbs.pbs import Pbs
from tests.waiting import wait_until

pytestmark = pytest.mark.pbs


@contextmanager
def without_server(server: Pbs) -> Iterator[None]:
    server.kill_server()
    try:
        yield
    finally:
        server.start_server()


def bound(flavour: Flavour, server: Pbs, directory: Path) -> Place:
    return Place(
        scheduler=Dialect(flavour, LocalHost()),
        directory=directory,
        refused="#PBS -q nowhere",
        index="${PBS_ARRAY_INDEX:-${PBS_ARRAYID:-0}}",
        outage=lambda: without_server(server),
    )


class TestPbsPro(SchedulerContract):
    """The contract, in PBS Pro's words."""

    @pytest.fixture
    def place(self, pbs: Pbs, weird_tmp_path: Path) -> Place:
        return bound("pbspro", pbs, weird_tmp_path)


@pytest.mark.slow
class TestPbsProWithoutHistory(SchedulerContract):
    """The contract where what has ended is forgotten at once."""

    @pytest.fixture
    def place(self, pbs: Pbs, weird_tmp_path: Path) -> Place:
        pbs.turn(history=False)
        return bound("pbspro", pbs, weird_tmp_path)


class TestTorque(SchedulerContract):
    """The contract, in Torque's words; it delivers no output into a directory that it would have to quote."""

    @pytest.fixture
    def place(self, torque: Pbs, tmp_path: Path) -> Place:
        return bound("torque", torque, tmp_path)


@pytest.fixture
def place(pbs: Pbs, weird_tmp_path: Path) -> Place:
    return bound("pbspro", pbs, weird_tmp_path)


def ended(place: Place, native_id: str, whole: str | None = None) -> JobStatus:
    place.wait_for(native_id, "ended", whole=whole)
    return place.scheduler.poll([whole or native_id])[native_id]


@pytest.mark.parametrize("json", ["release", "master", "invalid"])
def test_several_jobs_are_told_by_one_question_whatever_the_json(pbs: Pbs, place: Place, json: str) -> None:
    pbs.turn(json=json)
    whole = place.submit(place.script("sleep 60", size=2))
    job = place.submit(place.script("export X=005; sleep 60"))
    seen = place.scheduler.poll([whole, job])
    assert {place.scheduler.element(whole, 0), place.scheduler.element(whole, 1), job} <= set(seen)


def test_a_jobs_walltime_is_told(place: Place) -> None:
    native_id = place.submit(place.script("sleep 60", head="#PBS -l walltime=1"))
    status = ended(place, native_id)
    assert (status.state, status.reason) == ("failed", "walltime")


def test_torque_tells_a_jobs_walltime(torque: Pbs, tmp_path: Path) -> None:
    place = bound("torque", torque, tmp_path)
    native_id = place.submit(place.script("sleep 60", head="#PBS -l walltime=1"))
    status = ended(place, native_id)
    assert (status.state, status.reason) == ("failed", "walltime")


def test_torque_is_asked_about_many_jobs_that_it_forgot(torque: Pbs, tmp_path: Path) -> None:
    place = bound("torque", torque, tmp_path)
    native_id = place.submit(place.script("sleep 60"))
    number, _, server = native_id.partition(".")
    forgotten = [f"{int(number) + more}.{server}" for more in range(1, 40)]
    assert set(place.scheduler.poll([native_id, *forgotten])) == {native_id}


def test_what_can_never_run_is_said_at_once(place: Place) -> None:
    native_id = place.submit(place.script("true", head="#PBS -l select=1:ncpus=999"))
    wait_until(lambda: place.scheduler.poll([native_id])[native_id].hopeless, what="PBS to say so")


def test_what_never_starts_is_given_up(pbs: Pbs, place: Place) -> None:
    pbs.turn(failing_starts=True)
    whole = place.submit(place.script("true", size=2))
    for index in range(2):
        status = ended(place, place.scheduler.element(whole, index), whole)
        assert (status.state, status.reason) == ("lost", "launch")
        assert "too many failed attempts" in status.evidence
        assert status.stuck


def test_an_elements_exit_status_is_its_own(pbs: Pbs, place: Place) -> None:
    pbs.turn(history=False)
    script = place.script(f"[ {place.index} = 2 ] && sleep 60; exit {place.index}", size=3)
    whole = place.submit(script)
    statuses = [ended(place, place.scheduler.element(whole, index), whole) for index in (0, 1)]
    assert ["Exit_status" in status.evidence for status in statuses] == [False, False]


def test_limits_are_told_and_reached(pbs: Pbs, place: Place) -> None:
    pbs.turn(max_queued_user=5, max_array_size=20)
    allowed = place.scheduler.allowed(None, None, None)
    assert allowed.lowest is not None
    assert (allowed.lowest.most, allowed.array_size) == (5, 20)
    assert "max_queued" in allowed.evidence
    with pytest.raises(LimitReached):
        place.submit(place.script("true", size=6))
    with pytest.raises(Refused, match="refused") as refused:
        place.submit(place.script("true", size=21))
    assert "max_array_size" in refused.value.fix


def test_a_lost_answer_is_no_answer_and_the_token_finds_the_job(pbs: Pbs, place: Place) -> None:
    pbs.lose_answers("qsub", how="die")
    script = place.script("sleep 60", size=2)
    with pytest.raises(NoAnswer):
        place.scheduler.submit(script)
    assert place.scheduler.find(script.token) is not None


def test_a_rerun_element_is_alive(pbs: Pbs, place: Place) -> None:
    native_id = place.submit(place.script("sleep 60"))
    place.wait_for(native_id, "running")
    pbs.restart_server()
    assert place.phase(native_id) in ("waiting", "running")


@pytest.mark.parametrize("flavour", ["pbspro", "torque"])
def test_whose_commands_they_are(
    flavour: Flavour, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: Pbs = request.getfixturevalue("pbs" if flavour == "pbspro" else "torque")
    monkeypatch.setenv("PATH", f"{server.bin}:{os.environ['PATH']}")
    found = find_pbs(LocalHost())
    assert found is not None
    assert found.batch == flavour


@pytest.mark.parametrize("flavour", ["pbspro", "torque"])
def test_a_rendered_script_runs_and_logs_where_qsub_ran(
    flavour: Flavour, request: pytest.FixtureRequest, weird_tmp_path: Path
) -> None:
    server: Pbs = request.getfixturevalue("pbs" if flavour == "pbspro" else "torque")
    place = bound(flavour, server, weird_tmp_path)
    script = place.script("", size=2)
    resources = PbsResources(flavour=flavour, cpus_per_task=1, walltime_min=5, umask="022")
    text = script_text(
        resources, 'echo "$ID $INDEX $RESTART $PWD"; exec true', token=script.token, size=2, throttle=None,
        setup=["false"], cwd=script.cwd, logs=script.cwd,
    )  # fmt: skip
    script.path.write_text(text)
    whole = place.submit(script)
    for index in range(2):
        ended(place, place.scheduler.element(whole, index), whole)
        log = script.cwd / f"{script.token}.{index}.log"
        wait_until(log.exists, what="the log")
        assert log.read_text() == f"{place.scheduler.element(whole, index)} {index} 0 {script.cwd}\n"

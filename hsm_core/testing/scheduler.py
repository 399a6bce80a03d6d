"""Checks the dialect of a batch system on a real one; a test module of the dialect binds it."""

from __future__ import annotations

import shlex
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hsm_core.errors import BackendError
from hsm_core.schedulers.interface import NoAnswer, NotNow, Refused, Scheduler, Script

from .waiting import wait_until

#: a server that does not answer is noticed within this time
OUTAGE_S = 15.0


@dataclass(frozen=True)
class Place:
    """A batch system to be tested.

    Args:
        directory: where scripts and logs go; its path is hard to quote.
        refused: a line of a script that it refuses.
        index: what a script finds its number in the array in, with a zero for a plain job.
        outage: its server does not answer inside.
        patience_s: seconds within which it notices that a job began or ended.
    """

    scheduler: Scheduler
    directory: Path
    refused: str
    index: str
    outage: Callable[[], AbstractContextManager[object]]
    submitted: list[str] = field(default_factory=list)
    patience_s: float = 30.0

    def script(
        self, body: str, *, head: str = "", size: int | None = None, throttle: int | None = None
    ) -> Script:
        """A script with a token and a directory of its own, where its body runs."""
        token = f"t-{uuid.uuid4().hex[:8]}"
        cwd = self.directory / token
        cwd.mkdir()
        path = cwd / "job.sh"
        path.write_text(f"#!/bin/bash\n{head}\ncd {shlex.quote(str(cwd))}\n{body}\n")
        return Script(path, cwd, token, size, throttle)

    def submit(self, script: Script) -> str:
        native_id = self.scheduler.submit(script)
        self.submitted.append(native_id)
        return native_id

    def phase(self, native_id: str, whole: str | None = None) -> str:
        """``waiting``, ``running``, ``ended``, or ``gone``: the scheduler no longer knows it."""
        status = self.scheduler.poll([whole or native_id]).get(native_id)
        return status.phase if status else "gone"

    def wait_for(self, native_id: str, *phases: str, whole: str | None = None) -> None:
        told = f"{native_id} to be {' or '.join(phases)}"
        wait_until(lambda: self.phase(native_id, whole) in phases, self.patience_s, told, every=0.2)


class SchedulerContract:
    """Subclass it as ``TestMyScheduler``, and give it the fixture ``place``, which cancels what was submitted.

    Args:
        place: a real batch system with room for four jobs at once, in which the user has no other jobs.
    """

    def test_a_job_runs_once_and_ends(self, place: Place) -> None:
        script = place.script("echo ran >> ran")
        native_id = place.submit(script)
        place.wait_for(native_id, "ended", "gone")
        assert (script.cwd / "ran").read_text() == "ran\n"

    def test_a_job_is_known_by_its_id_and_its_name(self, place: Place) -> None:
        script = place.script("sleep 60")
        native_id = place.submit(script)
        status = place.scheduler.poll([native_id])[native_id]
        assert (status.native_id, status.name) == (native_id, script.token)
        assert status.phase in ("waiting", "running")
        assert place.scheduler.find(script.token) == native_id

    def test_a_running_job_has_a_node_and_what_a_job_prints_lands_in_its_directory(
        self, place: Place
    ) -> None:
        script = place.script("echo printed; sleep 3")
        native_id = place.submit(script)
        place.wait_for(native_id, "running")
        assert place.scheduler.poll([native_id])[native_id].node
        logs = wait_until(lambda: [p for p in script.cwd.iterdir() if p != script.path], what="a log")
        wait_until(lambda: any("printed" in log.read_text() for log in logs), what="what the job printed")

    def test_each_element_of_an_array_runs_once(self, place: Place) -> None:
        script = place.script(f"echo ran >> ran-{place.index}", size=3)
        whole = place.submit(script)
        for index in range(3):
            place.wait_for(place.scheduler.element(whole, index), "ended", "gone", whole=whole)
        ran = {path.name: path.read_text() for path in script.cwd.glob("ran-*")}
        assert ran == {f"ran-{index}": "ran\n" for index in range(3)}

    def test_an_array_of_one_has_its_element(self, place: Place) -> None:
        script = place.script("sleep 60", size=1)
        whole = place.submit(script)
        element = place.scheduler.element(whole, 0)
        assert place.phase(element, whole) in ("waiting", "running")
        assert place.scheduler.find(script.token) == whole

    def test_an_array_is_throttled(self, place: Place) -> None:
        whole = place.submit(place.script("sleep 60", size=4, throttle=2))
        elements = [place.scheduler.element(whole, index) for index in range(4)]

        def running() -> list[str]:
            return [one for one in elements if place.phase(one, whole) == "running"]

        wait_until(lambda: len(running()) == 2, what="two elements to run", every=0.2)
        settled = time.monotonic() + 1.0
        wait_until(lambda: len(running()) != 2 or time.monotonic() > settled, every=0.2)
        assert len(running()) == 2
        if place.scheduler.throttle(whole, 3):
            wait_until(lambda: len(running()) == 3, what="three elements to run", every=0.2)

    def test_ids_have_a_form(self, place: Place) -> None:
        whole = place.submit(place.script("true", size=2))
        assert place.scheduler.is_id(whole)
        assert place.scheduler.is_id(place.scheduler.element(whole, 1))
        strange = ("", "-u root", "--all", "all", f"{whole} 1", f"{whole},1", f"{whole}\n", f" {whole}", "1;x", "*")
        for other in strange:
            assert not place.scheduler.is_id(other), other

    def test_a_token_that_nobody_gave_is_not_found(self, place: Place) -> None:
        assert place.scheduler.find(f"t-{uuid.uuid4().hex[:8]}") is None

    def test_the_queue_shows_what_waits_and_runs(self, place: Place) -> None:
        whole = place.submit(place.script("sleep 60", size=2, throttle=1))
        first, second = (place.scheduler.element(whole, index) for index in (0, 1))
        place.wait_for(first, "running", whole=whole)
        shown = {status.native_id: status.phase for status in place.scheduler.queue()}
        assert (shown[first], shown[second]) == ("running", "waiting")
        place.scheduler.cancel([whole])
        wait_until(
            lambda: {first, second}.isdisjoint(one.native_id for one in place.scheduler.queue()),
            what="the queue to be empty of them",
            every=0.2,
        )

    @pytest.mark.parametrize("at_once", [False, True])
    def test_a_cancelled_job_ends(self, place: Place, at_once: bool) -> None:
        script = place.script("sleep 60 & wait; echo went-on > went-on")
        native_id = place.submit(script)
        place.wait_for(native_id, "running")
        place.scheduler.cancel([native_id], at_once=at_once)
        place.wait_for(native_id, "ended", "gone")
        assert not (script.cwd / "went-on").exists()

    def test_elements_are_cancelled_apart(self, place: Place) -> None:
        whole = place.submit(place.script("sleep 60", size=4, throttle=2))
        elements = [place.scheduler.element(whole, index) for index in range(4)]
        place.wait_for(elements[0], "running", whole=whole)
        place.scheduler.throttle(whole, 1)
        place.scheduler.cancel([elements[0], elements[3]])
        for one in (elements[0], elements[3]):
            place.wait_for(one, "ended", "gone", whole=whole)
        assert all(place.phase(one, whole) in ("waiting", "running") for one in elements[1:3])

    def test_what_is_gone_can_be_cancelled(self, place: Place) -> None:
        native_id = place.submit(place.script("true"))
        place.wait_for(native_id, "ended", "gone")
        for at_once in (False, True):
            place.scheduler.cancel([native_id], at_once=at_once)
        place.scheduler.cancel([])

    def test_a_cancelled_job_was_cancelled(self, place: Place) -> None:
        native_id = place.submit(place.script("sleep 60"))
        place.wait_for(native_id, "running")
        place.scheduler.cancel([native_id])
        place.wait_for(native_id, "ended", "gone")
        status = place.scheduler.poll([native_id]).get(native_id)
        assert status is None or (status.state, status.reason) == ("cancelled", "cancelled")

    def test_a_job_that_fails_is_told_with_evidence(self, place: Place) -> None:
        native_id = place.submit(place.script("exit 3"))
        place.wait_for(native_id, "ended", "gone")
        status = place.scheduler.poll([native_id]).get(native_id)
        assert status is None or (status.state in ("failed", "lost") and "3" in status.evidence)

    def test_what_can_never_run_is_refused_in_the_schedulers_words(self, place: Place) -> None:
        script = place.script("true", head=place.refused)
        with pytest.raises(Refused) as refused:
            place.scheduler.submit(script)
        assert refused.value.evidence
        assert refused.value.fix
        assert place.scheduler.find(script.token) is None

    def test_nothing_is_known_of_what_never_was(self, place: Place) -> None:
        native_id = place.submit(place.script("true"))
        assert "99999" not in place.scheduler.poll([native_id, "99999"])
        place.scheduler.poll([])
        assert "99999" not in place.scheduler.poll_accounting(["99999"], time.time())

    def test_limits_are_numbers_with_their_source(self, place: Place) -> None:
        allowed = place.scheduler.allowed(None, None, None)
        sizes = [size for size in (allowed.array_index, allowed.array_size) if size is not None]
        told = [*sizes, *(limit.most for limit in allowed.limits)]
        assert all(number > 0 for number in told)
        assert bool(told) == bool(allowed.evidence)

    def test_an_outage_is_no_answer_and_changes_nothing(self, place: Place) -> None:
        native_id = place.submit(place.script("sleep 60"))
        place.wait_for(native_id, "running")
        script = place.script("echo ran >> ran")
        questions: list[Callable[[], object]] = [
            lambda: place.scheduler.poll([native_id]),
            lambda: place.scheduler.find(script.token),
            place.scheduler.queue,
            lambda: place.scheduler.cancel([native_id]),
            lambda: place.scheduler.submit(script),
        ]
        started = time.monotonic()
        with place.outage(), ThreadPoolExecutor(len(questions)) as threads:
            errors = list(threads.map(error_of, questions))
            assert time.monotonic() - started < OUTAGE_S
        assert all(type(error) is NoAnswer for error in errors[:-1]), errors
        assert type(errors[-1]) in (NoAnswer, NotNow)
        assert all(error is not None and error.evidence for error in errors)
        wait_until(lambda: error_of(questions[0]) is None, what="the scheduler to answer", every=0.2)
        assert place.phase(native_id) == "running"
        assert type(errors[-1]) is NoAnswer or place.scheduler.find(script.token) is None


def error_of(question: Callable[[], object]) -> BackendError | None:
    try:
        question()
    except BackendError as error:
        return error
    return None

"""Checks a registered batch system without a cluster: ids, logs, scripts; its test module binds it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hsm_core.model import Resources
from hsm_core.schedulers.batch_system import BatchSystem, WorkerStart
from hsm_core.schedulers.interface import Scheduler
from hsm_core.schedulers.registry import find_system, title_of
from hsm_core.settings import LauncherSettings

#: what a job's script starts in place of a worker: it prints its words, a line each
_PROGRAM = ("printf", r"%s\n", "began")
_SUBMISSION = "launch-0/submit-0"


@dataclass(frozen=True)
class Registered:
    """A batch system to be tested.

    Args:
        scheduler: its dialect, over a ``RecordingHost``.
        resources: what ``BatchSystem.parse`` made of fields that ask for nothing.
        array, job: ids as ``Scheduler.submit`` returns them, of an array and of a plain job.
        in_array: the variables of the environment that the array's element of index 2 finds.
        in_job: those that the plain job finds.
        again: those that either finds beside them, or instead of them, when it is started a second time.
    """

    system: BatchSystem
    scheduler: Scheduler
    resources: Resources
    array: str
    job: str
    in_array: Mapping[str, str]
    in_job: Mapping[str, str]
    again: Mapping[str, str]

    def started(self, folder: Path, size: int | None, variables: Mapping[str, str]) -> list[str]:
        """The words with which a job's script starts a worker: its name, the submission, options."""
        writer = self.system.job_writer(self.scheduler)
        cwd = folder / "app's"
        cwd.mkdir(exist_ok=True)
        start = WorkerStart(
            "demo-abcdefgh", size, None, _PROGRAM, _SUBMISSION, ('echo "set up"',), cwd, folder, folder / "starts"
        )
        script = folder / "job.sh"
        script.write_text(writer.text(writer.asked(LauncherSettings(resources=self.resources)), start))
        env = {"PATH": "/usr/bin:/bin", **variables}
        done = subprocess.run(["bash", str(script)], env=env, capture_output=True, text=True, timeout=60, check=True)
        logs = "".join(log.read_text() for log in folder.glob("*.log"))  # where a script writes its log itself
        lines = (done.stdout + logs).splitlines()
        assert "set up" in lines
        return lines[len(lines) - lines[::-1].index("began") :]


class BatchSystemContract:
    """Subclass it as ``TestMySystem``, and give it the fixture ``registered``."""

    def test_it_is_found_by_its_names(self, registered: Registered) -> None:
        system = registered.system
        for name in (system.name, *system.flavours):
            assert find_system(name) is system
        assert registered.scheduler.name in (system.name, *system.flavours)
        assert title_of(system.name) == system.title

    def test_an_element_says_its_place_and_its_array(self, registered: Registered) -> None:
        for index in (0, 3, 12):
            element = registered.scheduler.element(registered.array, index)
            assert registered.system.index_of(element) == index
            assert registered.system.is_job(registered.array, element)
        assert registered.system.index_of(registered.job) == 0
        for native_id in (registered.array, registered.job):
            assert registered.system.is_job(native_id, native_id)
            assert not registered.system.is_job(native_id, f"9{native_id}")

    def test_each_element_has_a_log_of_its_own(self, registered: Registered) -> None:
        facts = {"id": registered.array, "token": "demo-abcdefgh"}  # nosec B105  # a job's name
        first, second = (
            {name.format_map({**facts, "index": index, "number": index + 1}) for name in registered.system.logs}
            for index in (0, 1)
        )
        assert first != second
        assert not any("/" in name for name in first | second)

    def test_a_script_starts_the_worker_of_its_element(self, registered: Registered, tmp_path: Path) -> None:
        worker, submission, *options = registered.started(tmp_path, 3, registered.in_array)
        assert submission == _SUBMISSION
        assert f"--native-id={registered.scheduler.element(registered.array, 2)}" in options
        assert "--batch=2" in options
        assert worker

    def test_a_plain_job_starts_the_first_batch(self, registered: Registered, tmp_path: Path) -> None:
        _, _, *options = registered.started(tmp_path, None, registered.in_job)
        assert {f"--native-id={registered.job}", "--batch=0"} <= {*options}

    def test_a_job_that_starts_again_has_another_worker(self, registered: Registered, tmp_path: Path) -> None:
        variables = registered.in_array
        first = registered.started(tmp_path, 3, variables)
        second = registered.started(tmp_path, 3, {**variables, **registered.again})
        assert first[0] != second[0]
        assert ["--restart=0" in first, "--restart=1" in second] == [True, True]

    @pytest.mark.parametrize(("minutes", "asked"), [(None, None), (10, 30)])
    def test_a_job_with_more_to_do_asks_for_more_time(
        self, registered: Registered, minutes: int | None, asked: int | None
    ) -> None:
        writer = registered.system.job_writer(registered.scheduler)
        settings = LauncherSettings(resources=replace(registered.resources, walltime_min=minutes))
        one = writer.asked(settings)
        assert writer.longer(one, 1) == (one, "")
        more, said = writer.longer(one, 3)
        assert more.walltime_min == asked
        assert said

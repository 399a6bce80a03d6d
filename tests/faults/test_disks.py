"""A disk that is full for a while, and one that can't be written at all."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.processes.identity import start_of
from tests.integration.sweeping import SweepingApp, kill
from tests.waiting import wait_until

from .mounting import fill, make_read_only, make_small_disk, own_mounts
from .witnessed import WitnessedSweep, check, complete

pytestmark = pytest.mark.mounts


@pytest.fixture
def mounts() -> Iterator[None]:
    with own_mounts():
        yield


@pytest.fixture
def app(tmp_path: Path, mounts: None) -> SweepingApp:
    """An app whose sweep is on a disk of its own, of 2 MiB."""
    app = SweepingApp(tmp_path)
    make_small_disk(app.sweep, "2m")
    return app


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=90)
    return process.returncode, out + err


def test_a_disk_that_is_full_for_a_while_costs_no_task_twice(app: SweepingApp) -> None:
    process = app.start("x=range(4)")
    app.wait_for_begun(2)
    wait_until(lambda: app.state().counts()["running"] == 2)
    filler = app.sweep / "filler"
    fill(filler)
    app.open_gate()
    wait_until(lambda: all(app.intervals()[x][0].end for x in (0, 1)), what="two ended tasks")
    states = app.states()
    assert "completed" not in states
    filler.unlink()
    code, text = finish(process)
    assert "Traceback" not in text
    assert app.states().get("completed", 0) + app.states().get("failed", 0) == 4
    assert app.state().bad_lines <= 1  # of the worker's journal, where the disk was full
    failed = app.state().numbers_in("failed")
    assert code == (3 if failed else 0)
    groups = json.loads(app.hsm("status", str(app.sweep), "--json").stdout)["failures"]
    assert {group["reason"] for group in groups} <= {"disk"}
    ran = set(app.intervals())  # not one that failed as its directory could not be made
    assert not failed or app.hsm("retry", str(app.sweep)).returncode == 0
    assert app.states() == {"completed": 4}
    again = {number for number, intervals in app.intervals().items() if len(intervals) > 1}
    assert again == ran.intersection(failed)


def test_a_worker_killed_on_a_full_disk_leaves_no_torn_state(app: SweepingApp) -> None:
    process = app.start("x=range(4)")
    app.wait_for_begun(2)
    wait_until(lambda: app.state().counts()["running"] == 2)
    fill(app.sweep / "filler")
    process.kill()
    kill(app.worker_pid())
    process.communicate()
    wait_until(lambda: app.states() == {"lost": 2, "pending": 2})
    app.open_gate()
    refused = app.resume()
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "No space left" in refused.stderr
    assert app.states() == {"lost": 2, "pending": 2}
    (app.sweep / "filler").unlink()
    assert app.resume().returncode == 0
    assert app.states() == {"completed": 4}


def test_a_sweep_that_begins_on_a_full_disk_says_so_and_begins_later(app: SweepingApp) -> None:
    fill(app.sweep / "filler")
    app.open_gate()
    refused = app.run("hydra/sweeper=hsm", "x=range(2)")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "No space left" in refused.stderr
    (app.sweep / "filler").unlink()
    again = app.run("hydra/sweeper=hsm", "x=range(2)")
    assert again.returncode == 0, again.stderr
    assert app.states() == {"completed": 2}


def test_a_read_only_sweep_can_be_looked_at_but_not_resumed(tmp_path: Path, mounts: None) -> None:
    app = SweepingApp(tmp_path)
    process = app.start("x=range(4)")
    app.wait_for_begun(2)
    process.kill()
    kill(app.worker_pid())
    process.communicate()
    wait_until(lambda: app.state().counts()["running"] == 0)
    make_read_only(app.sweep)
    before = app.states()
    looked = app.hsm("status", str(app.sweep), "--json")
    assert looked.returncode == 0
    assert json.loads(looked.stdout)["counts"]["lost"] == before["lost"] == 2
    for command, *options in (["resume"], ["cancel", "--yes"]):
        refused = app.hsm(command, str(app.sweep), *options)
        assert refused.returncode == 1
        assert "Read-only file system" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert app.states() == before


def test_a_colleagues_finished_sweep_is_read(tmp_path: Path, mounts: None) -> None:
    sweep = WitnessedSweep(tmp_path)
    assert sweep.run(*sweep.command()).returncode == 0
    make_read_only(sweep.sweep)
    complete(sweep)
    check(sweep)
    assert sweep.status()["phase"] == "completed"


def test_ctrl_c_twice_ends_a_launcher_that_a_full_disk_tells_nothing(app: SweepingApp) -> None:
    process = app.start("x=range(4)")
    app.wait_for_begun(2)
    wait_until(lambda: app.state().counts()["running"] == 2)
    worker = app.worker_pid()
    filler = app.sweep / "filler"
    fill(filler)
    for _ in range(2):
        time.sleep(2)
        process.send_signal(signal.SIGINT)
    code, text = finish(process)
    assert code in (1, 130), text
    assert "Traceback" not in text
    assert "next: hsm cancel" in text or "next: df -h" in text
    filler.unlink()
    wait_until(lambda: start_of(worker) is None, what="the worker's end")
    app.open_gate()
    assert app.hsm("retry", str(app.sweep)).returncode == 0
    assert app.resume().returncode == 0
    assert app.states() == {"completed": 4}

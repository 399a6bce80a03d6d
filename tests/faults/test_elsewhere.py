"""A sweep after a reboot, in another place, or where clocks differ."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.processes.identity import start_of
from tests.integration.sweeping import SweepingApp, kill
from tests.waiting import wait_until

from .mounting import mount, own_mounts

HOURS = 7200


@pytest.fixture
def app(weird_tmp_path: Path) -> SweepingApp:
    return SweepingApp(weird_tmp_path)


@pytest.fixture
def lost(app: SweepingApp) -> SweepingApp:
    """Two of its four tasks are lost, the others pending, and nobody conducts it."""
    return lose(app)


def lose(app: SweepingApp, *overrides: str) -> SweepingApp:
    process = app.start("x=range(4)", *overrides)
    app.wait_for_begun(2)
    wait_until(lambda: app.state().counts()["running"] == 2)
    process.kill()
    kill(app.worker_pid())
    process.communicate()
    wait_until(lambda: app.states() == {"lost": 2, "pending": 2})
    return app


def status(app: SweepingApp, path: Path) -> dict[str, object]:
    done = app.hsm("status", str(path), "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def counts(found: dict[str, object]) -> dict[str, int]:
    every = found["counts"]
    assert isinstance(every, dict)
    return {state: count for state, count in every.items() if count}


# one conductor


def test_of_two_resumes_at_once_one_refuses_and_names_the_other(lost: SweepingApp) -> None:
    command = [sys.executable, "-m", "hsm_core.cli.hsm", "resume", str(lost.sweep)]
    pipe, out = subprocess.PIPE, subprocess.STDOUT
    both = [
        subprocess.Popen(command, cwd=lost.folder, text=True, stdout=pipe, stderr=out) for _ in range(2)
    ]
    wait_until(lambda: any(one.poll() is not None for one in both), what="a refused resume")
    refused, other = sorted(both, key=lambda one: one.poll() is None)
    holder = json.loads((lost.sweep / ".hsm" / "leases" / "2.json").read_text())
    said, _ = refused.communicate()
    assert refused.returncode == 1
    assert f"process {holder['pid']} on" in said
    assert "Traceback" not in said
    lost.open_gate()
    other.communicate(timeout=60)
    assert other.returncode == 0
    assert lost.states() == {"completed": 4}
    assert sorted(len(found) for found in lost.intervals().values()) == [1, 1, 2, 2]


# a reboot


@pytest.fixture
def rebooted(lost: SweepingApp) -> Iterator[SweepingApp]:
    """The kernel tells another boot from now on."""
    boot = lost.folder / "boot_id"
    boot.write_text("11111111-2222-3333-4444-555555555555\n")
    with own_mounts():
        mount("--bind", boot, "/proc/sys/kernel/random/boot_id")
        yield lost


@pytest.mark.mounts
def test_after_a_reboot_what_ran_is_lost_and_is_resumed(rebooted: SweepingApp) -> None:
    found = status(rebooted, rebooted.sweep)
    assert counts(found) == {"lost": 2, "pending": 2}
    assert "was rebooted" in rebooted.hsm("errors", str(rebooted.sweep)).stdout
    rebooted.open_gate()
    resumed = rebooted.resume()
    assert resumed.returncode == 0, resumed.stderr
    assert counts(status(rebooted, rebooted.sweep)) == {"completed": 4}


# another place


def test_a_finished_sweep_is_read_where_it_lies_now(app: SweepingApp) -> None:
    assert app.run("x=1,2").returncode == 0
    moved = app.sweep.rename(app.folder / "elsewhere")
    found = status(app, moved)
    assert (found["phase"], found["moved"]) == ("completed", True)
    assert app.hsm("results", str(moved)).stdout.count("\n") >= 3
    tasks = json.loads(app.hsm("tasks", str(moved), "--json").stdout)["tasks"]
    assert [task["dir"] for task in tasks] == [str(moved / "0"), str(moved / "1")]


def test_a_moved_sweep_is_resumed_where_it_lies_now(lost: SweepingApp) -> None:
    moved = lost.sweep.rename(lost.folder / "elsewhere")
    lost.open_gate()
    resumed = lost.hsm("resume", str(moved))
    assert resumed.returncode == 0, resumed.stderr
    assert counts(status(lost, moved)) == {"completed": 4}
    assert sorted(path.name for path in moved.glob("*/.hsm/outcome.json")) == ["outcome.json"] * 4
    assert not lost.sweep.exists()


def test_a_frozen_sweep_is_resumed_elsewhere_once_its_snapshot_is_found(app: SweepingApp) -> None:
    lose(app, "hydra.launcher.code=snapshot")
    moved = app.sweep.rename(app.folder / "elsewhere")
    app.open_gate()
    refused = app.hsm("resume", str(moved))
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    link = next(line for line in refused.stderr.splitlines() if "ln -s" in line)
    subprocess.run(link.partition("next: ")[2].partition("    #")[0], shell=True, check=True)
    resumed = app.hsm("resume", str(moved))
    assert resumed.returncode == 0, resumed.stderr
    assert counts(status(app, moved)) == {"completed": 4}
    assert len(list(moved.glob("*/.hsm/outcome.json"))) == 4


def test_a_sweep_that_is_moved_while_it_runs_is_warned_about_and_completed_there(app: SweepingApp) -> None:
    process = app.start("x=range(4)", "hydra.launcher.detach=true")
    process.communicate(timeout=60)
    assert process.returncode == 0
    app.wait_for_begun(2)
    wait_until(lambda: app.state().counts()["running"] == 2)
    worker = app.worker_pid()
    moved = app.sweep.rename(app.folder / "elsewhere")
    assert "moved    from" in app.hsm("status", str(moved)).stdout
    app.open_gate()
    wait_until(lambda: start_of(worker) is None, timeout=60, what="the worker's end")
    found = counts(status(app, moved))
    assert found.pop("completed", 0) <= 2  # those that ran: an outcome follows its directory, if it is not too late
    assert set(found) <= {"failed", "lost", "pending"}
    assert "failed" not in found or "moved" in app.hsm("errors", str(moved)).stdout
    assert not app.sweep.exists()
    resumed = app.hsm("resume", str(moved), "--retry-failed")
    assert resumed.returncode == 0, resumed.stderr
    assert counts(status(app, moved)) == {"completed": 4}
    assert len(list(moved.glob("*/.hsm/outcome.json"))) == 4


# clocks


def shift(path: Path, word: bytes, seconds: int) -> None:
    """Have a file tell another time, inside and outside."""
    pattern = re.compile(rb'("%b": ?)([0-9.]+)' % word)
    data = path.read_bytes()
    path.write_bytes(pattern.sub(lambda found: found[1] + b"%.3f" % (float(found[2]) + seconds), data))
    at = path.stat().st_mtime + seconds
    os.utime(path, (at, at))


@pytest.mark.parametrize("seconds", [-HOURS, pytest.param(HOURS, marks=pytest.mark.slow)])
def test_a_living_sweep_is_not_judged_by_clocks(app: SweepingApp, seconds: int) -> None:
    process = app.start("x=range(2)")
    app.wait_for_begun(2)
    wait_until(lambda: app.state().counts()["running"] == 2)
    shift(app.sweep / ".hsm" / "leases" / "1.json", b"beat", seconds)
    for journal in (app.sweep / ".hsm" / "events").glob("*.jsonl"):
        os.utime(journal, (journal.stat().st_mtime + seconds,) * 2)
    assert app.states() == {"running": 2}
    refused = app.resume()
    assert refused.returncode == 1
    assert f"process {process.pid}" in refused.stderr
    app.open_gate()
    process.communicate(timeout=60)
    assert app.states() == {"completed": 2}


def test_a_dead_sweep_is_resumed_whatever_its_clocks_said(lost: SweepingApp) -> None:
    journals = sorted((lost.sweep / ".hsm" / "events").glob("*.jsonl"))
    for number, journal in enumerate(journals):
        shift(journal, b"at", HOURS if number % 2 else -HOURS)
    shift(lost.sweep / ".hsm" / "leases" / "1.json", b"beat", HOURS)
    assert lost.states() == {"lost": 2, "pending": 2}
    lost.open_gate()
    assert lost.resume().returncode == 0
    assert lost.states() == {"completed": 4}


@pytest.mark.slow
def test_a_sweep_resumed_by_a_clock_of_two_hours_ago_ends_the_same(lost: SweepingApp) -> None:
    lost.open_gate()
    assert lost.resume("--task", "0").returncode in (0, 1)
    before = lost.states()
    for journal in (lost.sweep / ".hsm" / "events").glob("*.jsonl"):
        if b'"a":2' in journal.read_bytes():
            shift(journal, b"at", -HOURS)
    assert lost.states() == before
    assert lost.state().tasks[0].attempt == 2
    assert lost.resume().returncode == 0
    assert lost.states() == {"completed": 4}

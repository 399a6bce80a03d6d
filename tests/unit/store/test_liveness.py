"""Who is alive, and how that is known."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hsm_core.store.liveness import evidence_of_death, identify, is_held, start_of, this_process
from tests.unit.store.making import ELSEWHERE, killed_process
from tests.waiting import wait_until


def test_a_living_process_has_no_evidence_against_it() -> None:
    assert evidence_of_death(this_process()) is None


def test_a_killed_one_has() -> None:
    identity = killed_process()
    assert f"process {identity.pid} on {identity.host} is gone" == evidence_of_death(identity)
    with pytest.raises(ProcessLookupError):
        identify(identity.pid)


def test_of_another_host_nobody_here_can_know() -> None:
    assert evidence_of_death(ELSEWHERE) is None


def test_another_boot_or_another_start_is_death() -> None:
    me = this_process()
    assert "restarted" in str(evidence_of_death(dataclasses.replace(me, boot="before")))
    assert "another has its number" in str(evidence_of_death(dataclasses.replace(me, start="1")))


def test_a_zombie_is_dead() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    identity_then = start_of(process.pid)
    wait_until(lambda: start_of(process.pid) is None)
    assert Path(f"/proc/{process.pid}").exists() or sys.platform == "darwin"
    assert identity_then != ""
    process.wait()


HOLDER = """
import fcntl, os, sys, time
descriptor = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(descriptor, fcntl.LOCK_EX)
if os.fork():
    os._exit(0)
print(os.getpid(), flush=True)
time.sleep(600)
"""


def test_while_a_child_holds_the_lock_its_dead_parent_is_not_called_dead(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.touch()
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE, text=True)
    identity = identify(process.pid)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.wait()
    try:
        assert is_held(str(lock))
        assert evidence_of_death(identity, str(lock)) is None
        assert evidence_of_death(identity) is not None
    finally:
        os.kill(child, 9)
        process.stdout.close()
    wait_until(lambda: not is_held(str(lock)))
    assert evidence_of_death(identity, str(lock)) is not None


def test_a_look_at_a_lock_does_not_take_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.touch()
    assert not is_held(str(lock))
    assert not is_held(str(tmp_path / "none"))
    descriptor = os.open(lock, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert is_held(str(lock))
    os.close(descriptor)

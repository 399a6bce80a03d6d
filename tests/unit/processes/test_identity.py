"""Who is alive, and how that is known."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hsm_core.model import ProcessIdentity
from hsm_core.processes.identity import evidence_of_death, identify, is_held, start_of, this_process
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
    assert "rebooted" in str(evidence_of_death(dataclasses.replace(me, boot="before")))
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


SEEN_BY_ANOTHER = """
import fcntl, os, sys
from hsm_core.model import ProcessIdentity
from hsm_core.processes import identity as liveness
from hsm_core.processes.identity import evidence_of_death, this_boot, this_host
os.setgid(65534), os.setuid(65534)
if sys.argv[4:]:
    os.path.exists = lambda path: False  # what another's /proc/PID looks like with hidepid
    liveness.start_of = lambda pid: None
print(evidence_of_death(ProcessIdentity(this_host(), this_boot(), int(sys.argv[1]), sys.argv[2]), sys.argv[3]))
"""


def seen_by_another(identity: ProcessIdentity, lock: Path, *more: str) -> str:
    command = [sys.executable, "-c", SEEN_BY_ANOTHER, str(identity.pid), identity.start, str(lock), *more]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look with another user's eyes")
def test_another_users_lock_is_no_obstacle(tmp_path: Path) -> None:
    lock = tmp_path / "closed" / "lock"
    lock.parent.mkdir(mode=0o700)
    lock.touch(mode=0o600)
    assert seen_by_another(this_process(), lock) == "None"
    killed = killed_process()
    assert seen_by_another(killed, lock) == f"process {killed.pid} on {killed.host} is gone"
    assert seen_by_another(this_process(), lock, "hidden") == "None"
    assert "is gone" in seen_by_another(killed, lock, "hidden")

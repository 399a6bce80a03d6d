"""Tells whether a recorded process is still alive, and how we know."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from hsm_core.model import ProcessIdentity

#: The variable by which a machine that is reached through a connection knows how its user calls it: the names that
#: machines give themselves are not unique, and of another "ubuntu" nothing here proves who lives there.
CALLED = "HSM_HOST"


@functools.cache
def this_host() -> str:
    """Returns the machine's name, as all records of processes have it."""
    return os.environ.get(CALLED) or os.uname().nodename


@functools.cache
def this_boot() -> str:
    """Returns an id of the machine's current boot; empty if the system tells none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except FileNotFoundError:
        return _ask("sysctl", "-n", "kern.boottime") if sys.platform == "darwin" else ""


def boot_clock() -> float:
    """Returns the seconds since the machine's boot, those asleep included: no clock that anybody sets.

    Source: clock_gettime(2), CLOCK_BOOTTIME; on macOS the monotonic clock counts sleep.
    """
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def identity_in(line: Mapping[str, object]) -> ProcessIdentity | None:
    """Returns the process that a line of JSON names; None if it names none."""
    try:
        return ProcessIdentity(str(line["host"]), str(line["boot"]), int(str(line["pid"])), str(line["start"]))
    except (KeyError, ValueError):
        return None


def identify(pid: int) -> ProcessIdentity:
    """Returns the identity of a process of this host.

    Raises:
        ProcessLookupError: there is none.
    """
    start = start_of(pid)
    if start is None:
        raise ProcessLookupError(pid)
    return ProcessIdentity(this_host(), this_boot(), pid, start)


def this_process() -> ProcessIdentity:
    return identify(os.getpid())


def start_of(pid: int) -> str | None:
    """Returns when a process started (clock ticks since boot, or ``ps``'s words); None if it is gone or a zombie.

    Source: proc(5), ``/proc/PID/stat``, fields 3 (state) and 22 (starttime).
    """
    if sys.platform == "darwin":
        return _ask("ps", "-o", "lstart=", "-p", str(pid)) or None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def evidence_of_death(identity: ProcessIdentity, lock: str = "") -> str | None:
    """Returns why a process is certainly dead; None if it lives, or if nobody here can know.

    Args:
        lock: a local file that the process and all that it started hold locked; while it is held,
            something lives.
    """
    if identity.host != this_host():
        return None
    if identity.boot != this_boot():
        return f"{identity.host} was rebooted"
    if lock and is_held(lock):
        return None
    start = start_of(identity.pid)
    if start is None and _is_hidden(identity.pid):
        return None
    if start is None:
        return f"process {identity.pid} on {identity.host} is gone"
    if start != identity.start:
        return f"process {identity.pid} on {identity.host} is gone (another has its number)"
    return None


def _is_hidden(pid: int) -> bool:
    """Returns whether /proc hides another user's process (mount option hidepid, proc(5))."""
    if sys.platform == "darwin" or os.path.exists(f"/proc/{pid}"):
        return False
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return False


def is_held(lock: str) -> bool:
    """Returns whether any process holds the lock file; False too for a file that is not ours to read."""
    import fcntl

    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError):  # not there, not ours to read; a link, a socket; no path at all
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _ask(*command: str) -> str:
    import subprocess

    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout.strip()

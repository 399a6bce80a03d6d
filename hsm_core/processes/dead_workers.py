"""Ends what a worker that died left running on this machine."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hsm_core.errors import StoreError
from hsm_core.model import ProcessIdentity
from hsm_core.processes.identity import identity_in
from hsm_core.safe_open import open_own

from .identity import evidence_of_death, start_of, this_boot, this_host

#: The variable by which every process that a worker started, and what those started, can be known: it has the path
#: of the worker's lock, as workers of other sweeps may have the same name.
MARK = "HSM_WORKER_LOCK"
_ROUNDS = 20


def end_leftovers_of_the_dead(events: Path) -> list[int]:
    """Kills what dead workers of a sweep left on this machine; skips workers of other hosts.

    Args:
        events: the folder of the workers' journals.

    Returns:
        the processes that were killed.
    """
    return [pid for journal in events.glob("*.jsonl") for pid in end_leftovers(journal)]


def end_leftovers(journal: Path) -> list[int]:
    """Kills the processes that carry a worker's mark or hold its lock, if the worker itself is gone.

    Only this user's own journal is believed, only a lock of that worker in a folder that nobody else can enter, and
    only processes that started after the worker: else a record could name any file that the user has open.

    Nothing on systems without /proc: there, what a task left behind is found by nobody.

    Args:
        journal: the worker's; its first line says which process it is.
    """
    head = _head(journal)
    identity = identity_in(head)
    if identity is None or (identity.host, identity.boot) != (this_host(), this_boot()):
        return []
    if evidence_of_death(identity) is None:
        return []
    lock = str(head.get("lock") or "")
    killed: list[int] = []
    is_its_own = _is_lock_of(journal.stem, Path(lock))

    def is_meant(pid: int) -> bool:
        return _is_younger(pid, identity) and _belongs(pid, lock)

    for _ in range(_ROUNDS if is_its_own else 0):  # what is killed may have been about to fork
        found = [pid for pid in _processes() if _kill_if(pid, is_meant)]
        if not found:
            break
        killed += found
    return killed


def _head(journal: Path) -> dict[str, object]:
    try:
        with open_own(journal, most=2**33) as stream:
            found = json.loads(stream.readline(2**20))
    except (OSError, StoreError, ValueError, RecursionError):
        return {}
    return dict(found) if isinstance(found, dict) else {}


def _is_lock_of(worker: str, lock: Path) -> bool:
    """Returns whether a path is that of a worker's lock, see ``processes.lock``, in a folder of this user's alone."""
    if not lock.is_absolute() or not lock.name.startswith(f"{worker}.") or lock.suffix != ".lock":
        return False
    try:
        folder = os.lstat(lock.parent)
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(folder.st_mode) and folder.st_uid == os.geteuid() and not folder.st_mode & 0o077


def _is_younger(pid: int, worker: ProcessIdentity) -> bool:
    """Returns whether a process started no sooner than a worker, in clock ticks since the same boot."""
    start = start_of(pid)
    return start is not None and start.isdigit() and worker.start.isdigit() and int(start) >= int(worker.start)


def _processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
    except FileNotFoundError:
        return []


def _kill_if(pid: int, is_meant: Callable[[int], bool]) -> bool:
    """Kills a process, but never another that got its number meanwhile."""
    try:
        descriptor = os.pidfd_open(pid)
    except (OSError, AttributeError):
        return False
    try:
        if not is_meant(pid):
            return False
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _belongs(pid: int, lock: str) -> bool:
    with suppress(OSError):
        if os.fsencode(f"{MARK}={lock}") in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            return True
        return any(os.readlink(entry) == lock for entry in Path(f"/proc/{pid}/fd").iterdir())
    return False

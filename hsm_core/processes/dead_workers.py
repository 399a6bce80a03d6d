"""Ends what a worker that died left running on this machine."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hsm_core.processes.identity import identity_in

from .identity import evidence_of_death, this_boot, this_host

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
    for _ in range(_ROUNDS if lock else 0):  # what is killed may have been about to fork
        found = [pid for pid in _processes() if _kill_if(pid, lambda pid: _belongs(pid, lock))]
        if not found:
            break
        killed += found
    return killed


def _head(journal: Path) -> dict[str, object]:
    try:
        with open(journal, "rb") as stream:
            found = json.loads(stream.readline())
    except (OSError, ValueError):
        return {}
    return dict(found) if isinstance(found, dict) else {}


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

"""Makes sure that nothing of a task outlives it, nor its worker."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent dies; end at once if it already has.

    Where the kernel has no such call (macOS), the lock on local disk still tells who lives.
    """
    if _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) and os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of what tasks leave behind, so that it can be found."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def native_threads() -> int | None:
    """Threads of this process, those of C libraries too; None where the system does not tell."""
    try:
        return len(os.listdir("/proc/self/task"))
    except FileNotFoundError:
        return None


def kill_group(leader: int, number: int) -> None:
    """Send a signal to a process group; one that is gone is no error."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        pass


def kill_orphans(keep: set[int], marks: dict[str, str] | None = None) -> None:
    """Kill adopted processes until none is left.

    Args:
        keep: children of ours that stay.
        marks: kill only those whose environment has these values; None kills all.
    """
    while True:
        victims = [pid for pid in children() if pid not in keep and (marks is None or _has_marks(pid, marks))]
        if not victims:
            return
        for pid in victims:
            _kill_and_reap(pid)


def children() -> Iterator[int]:
    """The direct children of this process, zombies included; nothing on systems without /proc."""
    if not sys.platform.startswith("linux"):
        return
    me = str(os.getpid())
    for name in os.listdir("/proc"):
        if name.isdigit() and _parent(name) == me:
            yield int(name)


def _parent(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _has_marks(pid: int, marks: dict[str, str]) -> bool:
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return all(f"{name}={value}".encode() in environ for name, value in marks.items())


def _kill_and_reap(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError, PermissionError):
        pass


def _prctl(option: int, value: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(option, value, 0, 0, 0) == 0)

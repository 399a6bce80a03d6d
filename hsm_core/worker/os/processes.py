"""Makes sure that nothing of a task outlives it, nor its worker."""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)
#: Seconds between checks for the parent where the kernel does not tell of its death.
_CHECK_S = 1.0
#: Seconds that the end of killed processes is waited for; one that hangs in the kernel is left to it.
_REAP_S = 2.0


def die_with_parent(parent: int) -> None:
    """Ends this process when its parent ends; at once if it already has."""
    if not _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL):
        watch_parent(parent)
    if os.getppid() != parent:
        os._exit(1)


def watch_parent(parent: int) -> None:
    """Checks every now and then for the parent; without it, ends this process and its group (macOS)."""

    def check() -> None:
        while os.getppid() == parent:
            time.sleep(_CHECK_S)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=check, name="watch-parent", daemon=True).start()


def adopt_orphans() -> None:
    """Makes this process the parent of what processes below it leave behind, so that they can be found."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def has_subreapers() -> bool:
    """Returns whether orphans can be adopted (Linux); elsewhere only a task's process group is known."""
    return sys.platform.startswith("linux")


def be_killed_first() -> None:
    """Tells the kernel, when memory is short, to kill this process before those that it depends on."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")  # proc(5): -1000 to 1000


def native_threads() -> int | None:
    """Returns the number of this process's threads, with those of C libraries; None if the system does not tell."""
    try:
        return len(os.listdir("/proc/self/task"))
    except FileNotFoundError:
        return None


def kill_group(leader: int, number: int) -> None:
    """Sends a signal to a process group; it is no error if that is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def kill_children(keep: set[int]) -> None:
    """Kills the children of this process except ``keep``, and what becomes its child by that."""
    give_up = time.monotonic() + _REAP_S
    while victims := set(children()) - keep:
        for pid in victims:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        left = [pid for pid in victims if not _is_reaped(pid)]
        if left and time.monotonic() > give_up:
            return
        if left:
            time.sleep(0.001)


def children() -> Iterator[int]:
    """Yields the direct children of this process, zombies included; none on systems without /proc."""
    if not has_subreapers():
        return
    me = os.getpid()
    try:  # proc(5): what the main thread, and what it was given as orphans
        yield from map(int, Path(f"/proc/{me}/task/{me}/children").read_text().split())
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        yield from (int(name) for name in os.listdir("/proc") if name.isdigit() and _parent(name) == str(me))


def _parent(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _is_reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _prctl(option: int, value: int) -> bool:
    return has_subreapers() and bool(_libc().prctl(option, value, 0, 0, 0) == 0)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)

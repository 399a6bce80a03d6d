"""All processes of one session, and how to end them even if whoever started them has died."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")


def stat_fields(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat from the state on (so [3] is the session, [19] the start); empty: it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def start_time(pid: int) -> str:
    found = stat_fields(pid)
    return found[19] if found else ""


def pids() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def session_of(leader: int) -> list[int]:
    """Living processes of the session that ``leader`` began; zombies don't count."""
    found = []
    for pid in pids():
        fields = stat_fields(pid)
        if fields and fields[3] == str(leader) and fields[0] not in "ZX":
            found.append(pid)
    return found


def signal_session(leader: int, number: int) -> None:
    for pid in session_of(leader):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def note(path: Path, pid: int) -> None:
    """Remember a session's leader, so that a later process can end it."""
    path.write_text(f"{pid} {start_time(pid)}")


def end_noted(path: Path) -> None:
    """Kill the session that was noted; a stranger with its leader's pid is left alone."""
    pid, _, started = path.read_text().partition(" ")
    if pid and start_time(int(pid)) in ("", started):
        signal_session(int(pid), signal.SIGKILL)
    path.unlink(missing_ok=True)


def end_all_with(variable: str) -> None:
    """Kill every process that was started with this ``NAME=value`` in its environment, as jobs are."""
    wanted = variable.encode()
    for pid in pids():
        try:
            environ = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(entry.startswith(wanted) for entry in environ):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

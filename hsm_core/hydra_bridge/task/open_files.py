"""Finds files that the app left open: processes forked from its own would share their positions."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

_DESCRIPTORS = Path("/proc/self/fd")


class OpenFiles:
    """The files that this process had open before the app was imported."""

    def __init__(self) -> None:
        self._before = _open()

    def of_app(self) -> list[str]:
        """Returns the names of files to read, sockets and the like that the app opened; empty where unknown."""
        return sorted({_name(number) for number in _open() - self._before if _is_shared(number)})


def _open() -> set[int]:
    """Returns the open descriptors, without the one that the listing itself used."""
    try:
        return {number for number in map(int, os.listdir(_DESCRIPTORS)) if _kind(number)}
    except OSError:  # no /proc, as on macOS, where nothing is forked
        return set()


def _kind(number: int) -> int:
    try:
        return os.fstat(number).st_mode
    except OSError:
        return 0


def _is_shared(number: int) -> bool:
    """Returns whether two processes can't use a file side by side; a file that is only written, as a log, is fine."""
    kind = _kind(number)
    if stat.S_ISREG(kind):
        return _flags(number) & os.O_ACCMODE != os.O_WRONLY
    return stat.S_ISSOCK(kind) or "eventpoll" in _name(number)


def _flags(number: int) -> int:
    lines: Iterator[str] = iter(Path(f"/proc/self/fdinfo/{number}").read_text().splitlines())
    return next((int(line.split()[1], 8) for line in lines if line.startswith("flags:")), 0)


def _name(number: int) -> str:
    return os.readlink(_DESCRIPTORS / str(number))

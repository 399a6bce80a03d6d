"""Finds files that the app left open: processes forked from its own would share their positions."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

_DESCRIPTORS = Path("/proc/self/fd")


class OpenFiles:
    """The files of this process, at first those before the app is imported."""

    def __init__(self) -> None:
        self._before = _open()

    def of_app(self) -> list[str]:
        """Files that the app opened to read, sockets and such, by name; nothing where the system does not tell."""
        return sorted({_name(number) for number in _open() - self._before if _is_shared(number)})


def _open() -> set[int]:
    """Open descriptors; the one that the listing itself had open is closed again."""
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
    """True if two processes can't use it side by side; what is only written to, as a log, they can."""
    kind = _kind(number)
    if stat.S_ISREG(kind):
        return _flags(number) & os.O_ACCMODE != os.O_WRONLY
    return stat.S_ISSOCK(kind) or "eventpoll" in _name(number)


def _flags(number: int) -> int:
    lines: Iterator[str] = iter(Path(f"/proc/self/fdinfo/{number}").read_text().splitlines())
    return next((int(line.split()[1], 8) for line in lines if line.startswith("flags:")), 0)


def _name(number: int) -> str:
    return os.readlink(_DESCRIPTORS / str(number))

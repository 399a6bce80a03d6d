"""Writes what several parts say alike: task numbers such as ``3,7-9``, the ends of logs, how wide a text may be."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from .model import spans

#: The width of what is no terminal: nothing is cut there.
UNLIMITED = 1_000_000


def columns(stream: TextIO | None = None) -> int:
    """Returns the terminal's width, or what COLUMNS says; in a pipe or a file there is no limit.

    Args:
        stream: where the text goes; None: standard output.
    """
    if os.environ.get("COLUMNS", "").isdecimal():
        return max(40, int(os.environ["COLUMNS"]))
    try:
        return max(40, os.get_terminal_size((stream or sys.stdout).fileno()).columns)
    except (OSError, ValueError):
        return UNLIMITED


def task_ranges(numbers: Iterable[int]) -> str:
    """Returns task numbers as ``--task`` and ``hydra.launcher.only_tasks`` take them: ``3,7-9``."""
    parts = spans((number, 1) for number in sorted(numbers))
    return ",".join(str(s.first) if s.count == 1 else f"{s.first}-{s.first + s.count - 1}" for s in parts)


def read_task_ranges(text: str) -> Iterator[tuple[str, range]]:
    """Yields each part of ``3,7-9`` with the task numbers that it names, perhaps none (``9-7``).

    Raises:
        ValueError: a part is neither a number nor a range; its argument is that part.
    """
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not _is_number(first) or (dash and not _is_number(last)):
            raise ValueError(part)
        yield part, range(int(first), int(last if dash else first) + 1)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def log_tail(log: Path, *, limit: int = 4096, begin: int = 0) -> str:
    """Returns the end of a log as text; empty where there is no log, or it can't be read.

    Args:
        limit: bytes at most.
        begin: the offset in bytes before which nothing is read.
    """
    try:
        with open(log, "rb") as stream:
            stream.seek(max(begin, log.stat().st_size - limit))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def last_lines(log: Path, count: int) -> str:
    """Returns the last lines of a log, within its last 64 KiB; empty where there is no log, or it can't be read."""
    return "\n".join(log_tail(log, limit=65_536).strip().splitlines()[-count:])

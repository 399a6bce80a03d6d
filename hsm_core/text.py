"""Reads and writes what several parts say alike: task numbers such as ``3,7-9``, and the ends of logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from .model import spans


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

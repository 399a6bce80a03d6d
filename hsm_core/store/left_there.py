"""Writes down which tasks have files that stay on another machine, and reads it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict, dataclass

from hsm_core import parsing

from .files import read_json, to_json, write_atomically
from .layout import SweepPaths

_KINDS: parsing.Kinds = {"source": parsing.text, "files": parsing.whole, "size": parsing.whole}


@dataclass(frozen=True)
class LeftThere:
    """Files of a task that were not fetched.

    Args:
        source: where they are.
        files: how many.
        size: their bytes.
    """

    source: str
    files: int
    size: int


def write_left(paths: SweepPaths, task: int, left: LeftThere) -> None:
    """Writes it down in place of what was known; without files, that is taken away.

    Raises:
        OSError: the disk refuses.
    """
    path = paths.left(task)
    if left.files:
        path.parent.mkdir(mode=0o755, exist_ok=True)
        write_atomically(path, to_json(asdict(left)))
    else:
        with suppress(FileNotFoundError):
            path.unlink()


def tasks_with_left(paths: SweepPaths) -> list[int]:
    """Returns the tasks that have such files."""
    try:
        names = os.listdir(paths.left(0).parent)
    except OSError:
        return []
    return sorted(int(name[:-5]) for name in names if name.endswith(".json") and name[:-5].isdecimal())


def read_left(paths: SweepPaths, task: int) -> LeftThere | None:
    """Returns what a task has there; None if it has nothing, or it can't be read."""
    try:
        return LeftThere(**parsing.fields(read_json(paths.left(task)), _KINDS))
    except (OSError, ValueError, TypeError):
        return None

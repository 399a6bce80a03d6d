"""Takes a task's directory for an attempt: earlier files rotate, output goes to its logs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from hsm_core.errors import StoreError
from hsm_core.store.files import create_exclusively, read_json, to_json, write_atomically
from hsm_core.store.layout import FORMAT, SweepPaths, TaskPaths


def take_directory(directory: Path, task: int, attempt: int, leftovers: Iterable[str]) -> TaskPaths:
    """Make a directory a task's own.

    Args:
        leftovers: what Hydra wrote for an earlier attempt, if there was one.

    Returns:
        the task's files: numbered ones if another task has the directory.

    Raises:
        OSError: the disk refuses.
    """
    directory.mkdir(parents=True, exist_ok=True)
    plain, numbered = TaskPaths(directory), TaskPaths(directory, f"-{task}")
    if owner_of(plain) == task:
        _rotate(plain, [Path(path) for path in leftovers])
    elif owner_of(numbered) == task:
        _rotate(numbered, [])
    return _open_outcome(plain, numbered, task, attempt)


def require_sweep(root: Path) -> None:
    """Refuse to make a task's directory where its sweep no longer is: nobody would find it there.

    Raises:
        StoreError: the sweep was moved or removed.
    """
    if not SweepPaths(root).hsm.is_dir():
        raise StoreError(f"the sweep in {root} was moved or removed while its tasks ran")


def owner_of(files: TaskPaths) -> int | None:
    """The number of the task whose outcome lies here; None if there is none."""
    try:
        return int(read_json(files.outcome)["task"])
    except (FileNotFoundError, ValueError, KeyError):
        return None


def redirect_output(stdout: Path, stderr: Path) -> None:
    """Send this process's stdout and stderr to the task's logs, which may be one.

    Raises:
        OSError: the disk refuses.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    for path, number in ((stdout, 1), (stderr, 2)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
        os.dup2(descriptor, number)
        os.close(descriptor)


def _open_outcome(plain: TaskPaths, numbered: TaskPaths, task: int, attempt: int) -> TaskPaths:
    """Leave an outcome that says ``running``; whoever creates the plain one has the directory."""
    mark = to_json(
        {"format": FORMAT, "task": task, "attempt": attempt, "state": "running", "pid": os.getpid()}
    )
    if create_exclusively(plain.outcome, mark, durable=False):
        return plain
    write_atomically(numbered.outcome, mark)
    return numbered


def _rotate(files: TaskPaths, theirs: list[Path]) -> None:
    """Put an earlier attempt's files aside; the outcome goes last, so that a cut rotation is resumed."""
    target = files.rotated(int(read_json(files.outcome)["attempt"]))
    target.mkdir(exist_ok=True)
    for path in (*theirs, files.stdout, files.stderr, files.pickle, files.outcome):
        if path.exists() and not (target / path.name).is_dir():
            os.replace(path, target / path.name)

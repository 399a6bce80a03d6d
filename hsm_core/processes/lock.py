"""Locks a file on local disk: while it is locked, one of those lives, or does something, whom it is for."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .local_folder import own_folder


@dataclass(frozen=True)
class Lock:
    """An open, locked file; whoever inherits ``descriptor`` holds it too."""

    path: str
    descriptor: int


@contextmanager
def held_lock(name: str) -> Iterator[Lock]:
    """Holds a lock of this name; removes the file in the end.

    Raises:
        OSError: local disk refuses.
    """
    path = own_folder() / f"{name}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield Lock(str(path), descriptor)
        path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


@contextmanager
def lock_if_free(name: str) -> Iterator[bool]:
    """Holds a lock of this name, if nobody on this machine holds it now; tells whether that was so.

    Raises:
        OSError: local disk refuses.
    """
    path = own_folder() / f"{name}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        is_held = _is_locked(path, descriptor)
        yield is_held
        if is_held:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _is_locked(path: Path, descriptor: int) -> bool:
    """Locks a file; False: another process has, or has just removed it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except (BlockingIOError, FileNotFoundError):
        return False


def drop_in_forks(descriptor: int) -> None:
    """Makes processes forked from this one release the lock: what a task leaves behind is not the task."""
    mine = os.fstat(descriptor).st_ino

    def drop() -> None:
        try:
            if os.fstat(descriptor).st_ino == mine:  # else the task gave the number to another file
                os.close(descriptor)
        except OSError:  # the task closed it
            return

    os.register_at_fork(after_in_child=drop)

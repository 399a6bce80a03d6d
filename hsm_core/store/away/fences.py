"""Decides, between an attempt on a machine that was away and the next one elsewhere, which of them counts."""

from __future__ import annotations

from contextlib import suppress

from hsm_core.safe_open import open_record

from ..files import create_exclusively
from ..layout import SweepPaths

_ENDED, _MOVED = b"ended\n", b"moved\n"


def begin_fences(paths: SweepPaths) -> None:
    """From now on, ends of attempts are taken before their files are brought home.

    Raises:
        OSError: the disk refuses.
    """
    paths.fence(0, 0).parent.mkdir(exist_ok=True)


def _have_begun(paths: SweepPaths) -> bool:
    return paths.fence(0, 0).parent.is_dir()


def fence(paths: SweepPaths, task: int, attempt: int) -> bool:
    """Makes an attempt count no more, whatever still comes of it; True if it does not count.

    False if its end is being brought home.

    Raises:
        OSError: the disk refuses.
    """
    begin_fences(paths)
    return create_exclusively(paths.fence(task, attempt), _MOVED)


def is_fenced(paths: SweepPaths, task: int, attempt: int) -> bool:
    """Tells whether an attempt counts no more.

    Raises:
        OSError, StoreError: nobody can tell.
    """
    try:
        with open_record(paths.fence(task, attempt), most=len(_MOVED)) as stream:
            return stream.read() == _MOVED
    except FileNotFoundError:
        return False


def take_end(paths: SweepPaths, task: int, attempt: int) -> bool:
    """Makes the end of an attempt count, before its files are brought home; False if it counts no more.

    Where nothing of the sweep was ever moved, nothing is written.

    Raises:
        OSError: the disk refuses.
    """
    return not _have_begun(paths) or create_exclusively(paths.fence(task, attempt), _ENDED)


def give_back_end(paths: SweepPaths, task: int, attempt: int) -> None:
    """The files of an end that was taken did not come: another attempt may count."""
    if _have_begun(paths) and not is_fenced(paths, task, attempt):
        with suppress(FileNotFoundError):
            paths.fence(task, attempt).unlink()

"""Opens files where others may write: what was checked is what is read, and no link is followed.

What is read is checked on the descriptor that it is read from: a name may mean another file a moment later.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .errors import StoreError

#: Bytes of a pickled app, checkpoint or config: more is no honest one.
MOST_PICKLED = 2**31
#: Bytes of a record.
MOST_RECORDED = 2**28
#: How many hold ``only_own`` now, in all threads.
_own_only = 0
#: Links, one after the other, that are followed.
_MOST_LINKS = 8
_ELSEWHERE = "hydra.sweep.dir=DIRECTORY    # one of your own"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
#: A FIFO is not waited for, a link not followed, a terminal not taken.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class NotOwn(StoreError):
    """A file or directory is somebody else's, or others can change it."""


def open_regular(path: Path, *, most: int = MOST_RECORDED) -> BinaryIO:
    """Opens a file to read, whoever it belongs to; never waits, and never follows a link.

    Args:
        most: bytes that it may have.

    Raises:
        OSError: it is not there, or can't be read.
        StoreError: it is a link, a FIFO, a device, a directory, or larger.
    """
    return _opened(path, most, must_be_own=False)


def open_output(path: Path, *, most: int = MOST_RECORDED) -> BinaryIO:
    """Opens what a task left to be looked at, as ``open_regular`` does, but follows links that this user made.

    Where such a link leads was this user's choice; where a foreign one leads, was not.

    Raises:
        OSError, StoreError: see ``open_regular``; or links lead on and on.
    """
    for _ in range(_MOST_LINKS):
        target = _own_target(path)
        if target is None:
            break
        path = path.parent / target
    return open_regular(path, most=most)


def _own_target(path: Path) -> str | None:
    """Returns where a link of this user's leads, both told by one descriptor; None if it is anything else."""
    if not hasattr(os, "O_PATH") or not path.is_symlink():
        return None
    try:
        descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        is_own = stat.S_ISLNK(found.st_mode) and found.st_uid == os.geteuid()
        return os.readlink("", dir_fd=descriptor) if is_own else None
    except OSError:
        return None
    finally:
        os.close(descriptor)


@contextmanager
def only_own() -> Iterator[None]:
    """Opens, within it, no record of somebody else's, wherever in this process: what is read is going to act."""
    global _own_only
    _own_only += 1
    try:
        yield
    finally:
        _own_only -= 1


def open_record(path: Path, *, most: int = MOST_RECORDED) -> BinaryIO:
    """Opens one of a sweep's records as ``open_regular`` does; within ``only_own`` as ``open_own`` does."""
    return _opened(path, most, must_be_own=_own_only > 0)


def open_own(path: Path, *, most: int = MOST_RECORDED) -> BinaryIO:
    """Opens a file of this user's that nobody else can write: its bytes may act, as those of a pickle do.

    Args:
        most: bytes that it may have.

    Raises:
        OSError: it is not there, or can't be read.
        NotOwn: it is somebody else's, or others can write it.
        StoreError: it is a link, a FIFO, a device, a directory, or larger.
    """
    return _opened(path, most, must_be_own=True)


def read_own(path: Path, *, most: int = MOST_RECORDED) -> bytes:
    """Returns the content of a file; see ``open_own``."""
    with open_own(path, most=most) as stream:
        return stream.read()


def new_file(path: Path, mode: int = 0o644) -> BinaryIO:
    """Makes a file to write and read; whatever else has the name, a link too, stays as it is.

    Args:
        mode: at most; the umask may take more away.

    Raises:
        OSError: there is something of this name, or the disk refuses.
    """
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "w+b")


def log_to(path: Path) -> int:
    """Returns the descriptor of a fresh log, in place of whatever has the name: a link goes, its target stays.

    Raises:
        OSError: the disk refuses.
    """
    while True:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        with contextlib.suppress(FileExistsError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)


def append_to(path: Path) -> BinaryIO:
    """Opens a log of this user's to write at its end, and makes it if it is not there.

    Raises:
        OSError: the disk refuses.
        StoreError: it is somebody else's, or no regular file.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    descriptor = _descriptor(path, flags)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise NotOwn(f"{path} is not this user's file, so nothing is written to it")
        return os.fdopen(descriptor, "ab")
    except BaseException:
        os.close(descriptor)
        raise


def make_directory(path: Path, mode: int = 0o755, fix: str = _ELSEWHERE) -> None:
    """Makes a directory of ours, and those above it; one that is there must be ours, and loses what is too much.

    Args:
        mode: at most; the umask may take more away.
        fix: what to change if it is somebody else's.

    Raises:
        OSError: the disk refuses.
        NotOwn: somebody else made it, or it is a link.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            what = f"belongs to {user_name(found.st_uid)}" if stat.S_ISDIR(found.st_mode) else "is no directory"
            raise NotOwn(f"{path} {what}, so it is not used", fix=fix) from None
        fewer = stat.S_IMODE(found.st_mode) & (mode | ~0o777)
        if fewer != stat.S_IMODE(found.st_mode):
            os.chmod(path, fewer)


def user_name(uid: int) -> str:
    """Returns the name of a user, or the number of one that this machine does not know."""
    import pwd  # workers have no use for it

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def why_not_own(found: os.stat_result) -> str:
    """Returns why a file or directory is not this user's alone to change; empty if it is."""
    if found.st_uid != os.geteuid():
        return f"belongs to {user_name(found.st_uid)}"
    if found.st_mode & _OTHERS_WRITE:
        return f"can be written by others (mode {stat.S_IMODE(found.st_mode):o})"
    return ""


def _descriptor(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags, 0o644)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EMLINK):  # a link; a socket; a link on FreeBSD
            raise StoreError(f"{path} is no file of its own", evidence=error.strerror or "") from error
        raise


def _opened(path: Path, most: int, *, must_be_own: bool) -> BinaryIO:
    descriptor = _descriptor(path, _FLAGS)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise StoreError(f"{path} is no regular file")
        why = why_not_own(found) if must_be_own else ""
        if why:
            raise NotOwn(f"{path} {why}, so it is not loaded", fix=_ELSEWHERE)
        if found.st_size > most:
            raise StoreError(f"{path} is too large: {found.st_size} bytes, of {most} at most")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def log_tail(log: Path, *, limit: int = 4096, begin: int = 0) -> str:
    """Returns the end of a log as text; empty where there is no log, or it can't be read.

    Args:
        limit: bytes at most.
        begin: the offset in bytes before which nothing is read.
    """
    try:
        with open_output(log, most=sys.maxsize) as stream:
            stream.seek(max(begin, os.fstat(stream.fileno()).st_size - limit))
            return stream.read(limit).decode("utf-8", "replace")
    except (OSError, StoreError):
        return ""


def last_lines(log: Path, count: int) -> str:
    """Returns the last lines of a log, within its last 64 KiB; empty where there is no log, or it can't be read."""
    return "\n".join(log_tail(log, limit=65_536).strip().splitlines()[-count:])

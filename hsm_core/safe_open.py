"""Opens files that others may have put there: what was checked is what is read, as both are of one descriptor."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO

from .errors import StoreError

#: Bytes of a pickled app, checkpoint or config: more is no honest one.
MOST_PICKLED = 2**31
#: Bytes of a record.
MOST_RECORDED = 2**28
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


def why_not_own(found: os.stat_result) -> str:
    """Returns why a file or directory is not this user's alone to change; empty if it is."""
    if found.st_uid != os.geteuid():
        return f"belongs to user {found.st_uid}"
    if found.st_mode & _OTHERS_WRITE:
        return f"can be written by others (mode {stat.S_IMODE(found.st_mode):o})"
    return ""


def _opened(path: Path, most: int, *, must_be_own: bool) -> BinaryIO:
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EMLINK):  # a link; a socket; a link on FreeBSD
            raise StoreError(f"{path} is no file of its own", evidence=error.strerror or "") from error
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise StoreError(f"{path} is no regular file")
        why = why_not_own(found) if must_be_own else ""
        if why:
            fix = "start the sweep as yourself in your own directory"
            raise NotOwn(f"{path} {why}, so it is not loaded", fix=fix)
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
        with open_regular(log, most=sys.maxsize) as stream:
            stream.seek(max(begin, os.fstat(stream.fileno()).st_size - limit))
            return stream.read(limit).decode("utf-8", "replace")
    except (OSError, StoreError):
        return ""


def last_lines(log: Path, count: int) -> str:
    """Returns the last lines of a log, within its last 64 KiB; empty where there is no log, or it can't be read."""
    return "\n".join(log_tail(log, limit=65_536).strip().splitlines()[-count:])

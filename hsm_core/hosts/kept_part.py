"""Holds what came of a large file until all of it is here, also for a later process that goes on with it."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from .files import make_folder


class KeptPart:
    """A temporary file beside another one, whose name says of what it is a part; open while it is used.

    Two processes that fill it write the same, and neither opens it anew: a file that has its name is never written.

    Args:
        target: the file that it is to become.
        version: tells that file from others of its name, there.
        mode: its permissions.

    Attributes:
        size: bytes that are here already.
    """

    def __init__(self, target: Path, version: str, mode: int) -> None:
        self._own = f".hsm-{_hash(os.fsencode(target.name))}-"
        self.path = target.with_name(f"{self._own}{_hash(version.encode())}.part")
        self._mode = mode
        self._descriptor = -1
        self.size = 0

    def __enter__(self) -> None:
        make_folder(self.path.parent)
        for other in self.path.parent.glob(f"{self._own}*.part"):
            if other != self.path:  # of a file that has changed since
                other.unlink(missing_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, self._mode)
        os.fchmod(self._descriptor, self._mode)
        self.size = os.fstat(self._descriptor).st_size

    def write(self, offset: int, data: bytes) -> None:
        """Writes a piece.

        Raises:
            OSError: the disk refuses.
        """
        view = memoryview(data)
        while view:
            written = os.pwrite(self._descriptor, view, offset)
            offset, view = offset + written, view[written:]

    def keep(self, size: int) -> None:
        """Cuts off what is beyond its end."""
        os.ftruncate(self._descriptor, size)

    def drop(self) -> None:
        """Takes it away: it is a part of nothing any more."""
        with suppress(OSError):
            self.path.unlink()

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _hash(name: bytes) -> str:
    return hashlib.sha256(name).hexdigest()[:12]

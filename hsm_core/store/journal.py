"""Writes and reads append-only files of JSON lines that survive full disks, torn writes and concurrent reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from hsm_core.errors import StoreError
from hsm_core.safe_open import NotOwn, open_record

from .event_codec import Event, from_line
from .events import Seal

#: Bytes of a journal, and of one line: no honest one has more; and how many are read at once.
MOST_BYTES, _MOST_LINE, _CHUNK = 2**30, 2**24, 2**20
#: Damaged lines of a journal, and their bytes, after which the rest is not read.
_MOST_BAD, _MOST_BAD_BYTES = 100_000, 2**24


class JournalWriter:
    """The one writer of a journal.

    A write that fails is kept and tried again at the next ``flush``; it then begins with a newline, because
    part of a line may have reached the disk.

    Args:
        path: the file to create; it must not exist.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._pending: list[bytes] = []
        self._torn = False
        self._unsynced = False
        self._sequence = 0
        #: Why the last write failed; None while all is written.
        self.trouble: OSError | None = None

    def append(self, event: Event) -> None:
        """Writes an event with its number; if the disk refuses, keeps it for the next ``flush``."""
        self._pending.append(event.to_line(self._sequence))
        self._sequence += 1
        self.flush()

    def flush(self) -> bool:
        """Writes the events that are kept; returns whether none is left."""
        while self._pending:
            line = b"\n" + self._pending[0] if self._torn else self._pending[0]
            try:
                self._write(line)
            except OSError as error:
                self._torn, self.trouble = True, error
                return False
            self._torn, self.trouble, self._unsynced = False, None, True
            del self._pending[0]
        return True

    def sync(self) -> None:
        """Makes what is written durable, and on NFS visible to other nodes."""
        if not self._unsynced:
            return
        try:
            os.fsync(self._fd)
        except OSError as error:
            self.trouble = error
            return
        self._unsynced = False

    def seal(self) -> bool:
        """Writes the final line and closes; the file is never opened again to write."""
        self.append(Seal())
        whole = not self._pending
        self.sync()
        os.close(self._fd)
        return whole

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._fd, data) :]


class JournalReader:
    """Reads a journal repeatedly, each time only what is new, and never much of it at once.

    Args:
        most: bytes that it may have.

    Attributes:
        bad_lines: complete lines so far that are no events; they are skipped.
        unreadable: why nothing more of the file is read: it is a link, a FIFO, far too large, or mostly damaged.
        sealed: the final line was read.
    """

    def __init__(self, path: Path, most: int = MOST_BYTES) -> None:
        self._path, self._most = path, most
        self._offset = self._bad_bytes = 0
        self._skips = False
        self.bad_lines = 0
        self.unreadable = ""
        self.sealed = False

    def read_new(self) -> list[Event]:
        """Returns the events of all lines completed since the last call, but those of kinds that are not known here.

        Raises:
            OSError: the file can't be read; what was read before is not lost.
        """
        found: list[Event] = []
        while data := self.read_lines():
            found += [event for line in data.split(b"\n") if line and (event := self.parse(line)) is not None]
        return found

    def read_lines(self) -> bytes:
        """Returns some of the lines completed since the last call, as they are; none once all have been returned.

        Raises:
            OSError: the file can't be read; what was read before is not lost.
            NotOwn: within ``only_own``, it is somebody else's.
        """
        if self.sealed or self._is_damaged():
            return b""
        try:
            stream = open_record(self._path, most=self._most)
        except NotOwn:
            raise
        except StoreError as error:
            self.unreadable = error.problem
            return b""
        with stream:
            self.unreadable = ""
            data = self._next_lines(stream)
        self.sealed = _is_seal(data[data.rfind(b"\n", 0, -1) + 1 :])
        return data

    def _next_lines(self, stream: BinaryIO) -> bytes:
        """Returns the next whole lines; skips what is longer than any line of ours, and counts that as one."""
        while True:
            stream.seek(self._offset)
            data = stream.read(_CHUNK)
            while b"\n" not in data and len(data) < _MOST_LINE and (more := stream.read(len(data))):
                data += more
            end = data.rfind(b"\n") + 1
            if not end:
                if len(data) < _MOST_LINE and not self._skips:
                    return b""
                if not data:
                    return b""
                self._offset += len(data)
                self.bad_lines += not self._skips
                self._skips = True
                continue
            self._offset += end
            begin = data.find(b"\n") + 1 if self._skips else 0
            self._skips = False
            if begin < end:
                return data[begin:end]

    def parse(self, line: bytes) -> Event | None:
        """Returns the event of a line; None if its kind is unknown, or if the line is damaged, which is counted."""
        try:
            return from_line(line)
        except (KeyError, ValueError):
            self.bad_lines += 1
            self._bad_bytes += len(line)
            return None

    def _is_damaged(self) -> bool:
        """Returns whether so many lines are damaged that the rest is not read: each of them costs time."""
        if self.bad_lines <= _MOST_BAD and self._bad_bytes <= _MOST_BAD_BYTES:
            return False
        self.unreadable = f"too many lines of {self._path} are damaged"
        return True


def _is_seal(line: bytes) -> bool:
    try:
        return Seal.tag.encode() in line and isinstance(from_line(line), Seal)
    except (KeyError, ValueError):
        return False

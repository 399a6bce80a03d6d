"""Writes and reads append-only files of JSON lines that survive full disks, torn writes and concurrent reads."""

from __future__ import annotations

import os
from pathlib import Path

from .event_codec import Event, from_line
from .events import Seal


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
    """Reads a journal repeatedly, each time only what is new.

    Attributes:
        bad_lines: complete lines so far that are no events; they are skipped.
        sealed: the final line was read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.bad_lines = 0
        self.sealed = False

    def read_new(self) -> list[Event]:
        """Returns the events of all lines completed since the last call, but those of kinds that are not known here.

        Raises:
            OSError: the file can't be read; what was read before is not lost.
        """
        lines = [line for line in self.read_lines().split(b"\n") if line]
        return [event for line in lines if (event := self.parse(line)) is not None]

    def read_lines(self) -> bytes:
        """Returns the lines completed since the last call, as they are.

        Raises:
            OSError: the file can't be read; what was read before is not lost.
        """
        if self.sealed:
            return b""
        with open(self._path, "rb") as stream:
            stream.seek(self._offset)
            data = stream.read()
        data = data[: data.rfind(b"\n") + 1]
        self._offset += len(data)
        self.sealed = _is_seal(data[data.rfind(b"\n", 0, -1) + 1 :])
        return data

    def parse(self, line: bytes) -> Event | None:
        """Returns the event of a line; None if its kind is unknown, or if the line is damaged, which is counted."""
        try:
            return from_line(line)
        except (KeyError, TypeError, ValueError):
            self.bad_lines += 1
            return None


def _is_seal(line: bytes) -> bool:
    try:
        return Seal.tag.encode() in line and isinstance(from_line(line), Seal)
    except (KeyError, TypeError, ValueError):
        return False

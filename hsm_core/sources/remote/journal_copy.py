"""Keeps a worker's journal here as it came, and shows readers each line of it once that line is true here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hsm_core.hosts.files import append_at
from hsm_core.store.event_codec import Event, from_line
from hsm_core.store.journal import MOST_BYTES


@dataclass(frozen=True)
class Line:
    """A line of a journal; ``event`` is None where it is damaged."""

    data: bytes
    event: Event | None


class JournalCopy:
    """The two files of a worker on another machine: all lines that came, and those of them that readers see.

    Lines of different tasks may change places: nobody is kept waiting for the files of another task. Another process
    may write both files, too, if not at the same moment.

    Args:
        came: what the host wrote, byte for byte.
        shown: the journal as everybody reads it.

    Attributes:
        waiting: what came and is not shown, in order.
    """

    def __init__(self, came: Path, shown: Path) -> None:
        self._came, self._shown = came, shown
        self._read = 0
        self._known: int | None = None
        self.waiting: list[Line] = []

    def refresh(self) -> list[Event] | None:
        """Reads what is new, whoever wrote it.

        Returns:
            all events that are shown, where others have shown some since, or in the beginning; else None.

        Raises:
            OSError: it can't be read.
            ValueError: it is larger than any journal.
        """
        if _size(self._came) > MOST_BYTES:
            raise ValueError(f"{self._came} has more than {MOST_BYTES} bytes, which no worker writes")
        if self._known == _size(self._shown):
            self.waiting += self._new()
            return None
        self._known = _size(self._shown)
        shown = _split(self._shown.read_bytes()) if self._known else []
        seen = Counter(line.data for line in shown)
        self._read, self.waiting = 0, []
        for line in self._new():
            if seen[line.data]:
                seen[line.data] -= 1
            else:
                self.waiting.append(line)
        return [line.event for line in shown if line.event is not None]

    def show(self, is_true: Callable[[Event | None], bool]) -> list[Event]:
        """Appends what waits and is true by now to what readers see, and returns it.

        Args:
            is_true: is asked about each line that waits, in order; a damaged one is None.

        Raises:
            OSError: the disk refuses; what is not shown waits.
        """
        asked = [(line, is_true(line.event)) for line in self.waiting]
        shown = [line for line, known in asked if known]
        if shown:
            size, self._known = _size(self._shown), None  # until all of it is written
            begin = b"\n" if _is_torn(self._shown, size) else b""
            append_at(self._shown, size, begin + b"".join(line.data for line in shown))
            self.waiting = [line for line, known in asked if not known]
            self._known = _size(self._shown)
        return [line.event for line in shown if line.event is not None]

    def _new(self) -> list[Line]:
        """Returns the whole lines that came since this was last asked."""
        if _size(self._came) <= self._read:
            return []
        with open(self._came, "rb") as file:
            file.seek(self._read)
            data = file.read()
        data = data[: data.rfind(b"\n") + 1]
        self._read += len(data)
        return _split(data)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _split(data: bytes) -> list[Line]:
    """Returns the whole lines; an empty one, and a last one that was torn, say nothing."""
    return [Line(line + b"\n", _event(line)) for line in data.split(b"\n")[:-1] if line]


def _event(line: bytes) -> Event | None:
    try:
        return from_line(line)
    except (KeyError, ValueError):
        return None


def _is_torn(path: Path, size: int) -> bool:
    if not size:
        return False
    with open(path, "rb") as file:
        file.seek(size - 1)
        return file.read(1) != b"\n"

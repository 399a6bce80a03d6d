"""Reads new lines of a sweep's journals."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..event_codec import Event
from ..journal import MOST_BYTES, JournalReader
from ..layout import SweepPaths
from .line_scan import Scanned, scan

#: Bytes of a journal without those of its tasks, such as beats of months; and of all that is said of a task.
_MOST_AT_REST, _MOST_EACH = 2**26, 2**16


@dataclass(frozen=True)
class News:
    """The new lines of one writer's journal.

    Args:
        writer: its name.
        parse: makes an event of a line that was not known by its scan; None, and counted, if it is damaged.
        is_sealed: nothing more will come.
        is_first: nothing of it was read before.
    """

    writer: str
    lines: list[Scanned]
    parse: Callable[[bytes], Event | None]
    is_sealed: bool
    is_first: bool

    def heard_at(self, last_at: float) -> float:
        """Returns when the writer last wrote, by our monotonic clock: now, or at the first reading by its own clock.

        Args:
            last_at: seconds since 1970, by the writer's clock.
        """
        age = max(0.0, time.time() - last_at) if self.is_first else 0.0  # by two clocks, as there is nothing better
        return time.monotonic() - age


class SweepReader:
    """All journals of a sweep; one that is sealed is not opened again.

    Args:
        total: tasks of the sweep, by which a journal's size is bounded; None: unknown.
    """

    def __init__(self, paths: SweepPaths, total: int | None = None) -> None:
        self._paths = paths
        self._most = MOST_BYTES if total is None else min(MOST_BYTES, _MOST_AT_REST + _MOST_EACH * total)
        self._readers: dict[str, JournalReader] = {}
        self._read_out: set[str] = set()

    @property
    def bad_lines(self) -> int:
        """The number of complete but damaged lines so far; they are skipped."""
        return sum(reader.bad_lines for reader in self._readers.values())

    @property
    def unreadable(self) -> list[str]:
        """Why some journals are not read at all."""
        return [reader.unreadable for reader in self._readers.values() if reader.unreadable]

    def read_new(self) -> Iterator[News]:
        """Reads all journals; yields the news of each that has any.

        Raises:
            OSError: one can't be read.
        """
        for name in sorted(set(os.listdir(self._paths.events)) - self._read_out):
            if name.endswith(".jsonl"):
                yield from self.read(name[: -len(".jsonl")])

    def read(self, writer: str) -> Iterator[News]:
        """Reads one journal; yields what is new in it, some lines at a time.

        Raises:
            OSError: it can't be read.
        """
        reader = self._readers.get(writer)
        is_first = reader is None
        if reader is None:
            reader = self._readers[writer] = JournalReader(self._paths.journal(writer), self._most)
        while data := reader.read_lines():
            yield News(writer, scan(data), reader.parse, reader.sealed, is_first)
        if reader.sealed:
            self._read_out.add(f"{writer}.jsonl")

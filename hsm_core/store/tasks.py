"""Keeps the exact overrides of every task, written before the first launch and never expanded again."""

from __future__ import annotations

import json
import mmap
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

from hsm_core.errors import StoreError
from hsm_core.model import Task

from .files import nonce, to_line
from .layout import SweepPaths

_OFFSET = struct.Struct("<Q")


def write_tasks(paths: SweepPaths, first: int, overrides: Iterable[Sequence[str]]) -> int:
    """Writes one line a task, numbered from ``first``; both files appear complete, the lines last.

    Returns:
        The number of tasks written.
    """
    suffix = f".{nonce()}.tmp"
    lines, offsets = paths.task_lines(first), paths.task_offsets(first)
    new_lines, new_offsets = (path.with_name(f".{path.name}{suffix}") for path in (lines, offsets))
    count = position = 0
    try:
        with open(new_lines, "wb") as line_file, open(new_offsets, "wb") as offset_file:
            for row in overrides:
                line = to_line({"task": first + count, "overrides": list(row)})
                offset_file.write(_OFFSET.pack(position))
                position += line_file.write(line)
                count += 1
            for stream in (line_file, offset_file):
                stream.flush()
                os.fsync(stream.fileno())
        os.replace(new_offsets, offsets)
        os.replace(new_lines, lines)
    finally:
        new_lines.unlink(missing_ok=True)
        new_offsets.unlink(missing_ok=True)
    return count


class TaskTable(Sequence[Task]):
    """The tasks of a sweep by number, read as they are asked for.

    Raises:
        StoreError: a task's line is missing or damaged.
    """

    def __init__(self, paths: SweepPaths) -> None:
        names = (name.partition(".")[0] for name in os.listdir(paths.tasks) if name.endswith(".jsonl"))
        self._parts = [_Part(paths, first) for first in sorted(int(name) for name in names if name.isdigit())]

    def __len__(self) -> int:
        """Returns one more than the highest task number."""
        return max((part.first + part.count for part in self._parts), default=0)

    @overload
    def __getitem__(self, number: int) -> Task: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Task]: ...
    def __getitem__(self, number: int | slice) -> Task | Sequence[Task]:
        if isinstance(number, slice):
            return [self[index] for index in range(*number.indices(len(self)))]
        for part in self._parts:
            if part.first <= number < part.first + part.count:
                return part.read(number)
        raise IndexError(f"no task {number}: the sweep has {len(self)}")

    def __iter__(self) -> Iterator[Task]:
        for part in self._parts:
            for number in range(part.first, part.first + part.count):
                yield part.read(number)


class _Part:
    def __init__(self, paths: SweepPaths, first: int) -> None:
        self.first = first
        self._lines = paths.task_lines(first)
        self._offsets = _map(paths.task_offsets(first))
        self.count = len(self._offsets) // _OFFSET.size
        self._data: mmap.mmap | bytes | None = None

    def read(self, number: int) -> Task:
        if self._data is None:
            self._data = _map(self._lines)
        (begin,) = _OFFSET.unpack_from(self._offsets, (number - self.first) * _OFFSET.size)
        try:
            line = json.loads(self._data[begin : self._data.find(b"\n", begin)])
            if line["task"] == number:
                return Task(number, tuple(line["overrides"]))
        except (ValueError, KeyError, TypeError):
            pass
        raise StoreError(f"the overrides of task {number} can't be read", evidence=str(self._lines))


def _map(path: Path) -> mmap.mmap | bytes:
    with open(path, "rb") as stream:
        if os.fstat(stream.fileno()).st_size == 0:
            return b""
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)

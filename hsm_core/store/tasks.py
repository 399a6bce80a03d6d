"""Keeps the exact overrides of every task, written before the first launch and never expanded again."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from hsm_core import parsing
from hsm_core.errors import StoreError
from hsm_core.model import Task
from hsm_core.parsing import MOST_TASKS
from hsm_core.safe_open import new_file, open_record

from .files import nonce, to_line
from .layout import SweepPaths

_OFFSET = struct.Struct("<Q")
_NAME = re.compile(r"(0|[1-9]\d{0,5})\.jsonl", re.ASCII)
#: Bytes of the lines of all tasks, and of one of them, at most; and of how many lines are read at once.
_MOST_BYTES, _MOST_LINE, _BLOCK = 2**32, 2**22, 2**16


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
        with new_file(new_lines) as line_file, new_file(new_offsets) as offset_file:
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
        names = (match[1] for name in os.listdir(paths.tasks) if (match := _NAME.fullmatch(name)))
        self._parts = [_Part(paths, first) for first in sorted(map(int, names))]

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
        with open_record(paths.task_offsets(first), most=MOST_TASKS * _OFFSET.size) as stream:
            self._offsets = stream.read()
        self.count = min(len(self._offsets) // _OFFSET.size, MOST_TASKS - first)
        self._begin, self._block = 0, b""

    def read(self, number: int) -> Task:
        (begin,) = _OFFSET.unpack_from(self._offsets, (number - self.first) * _OFFSET.size)
        try:
            found = parsing.table(parsing.loads(self._line(begin)))
            if found["task"] == number:
                return Task(number, parsing.texts(found["overrides"]))
        except (OSError, StoreError, ValueError, KeyError) as error:
            raise self._damaged(number, f": {error}") from error
        raise self._damaged(number)

    def _damaged(self, number: int, why: str = "") -> StoreError:
        return StoreError(f"the overrides of task {number} can't be read", evidence=f"{self._lines}{why}")

    def _line(self, begin: int) -> bytes:
        """Returns the line that begins at an offset, from the last block that was read if it lies there."""
        place = begin - self._begin
        end = self._block.find(b"\n", place) if 0 <= place < len(self._block) else -1
        if end < 0:
            self._begin, self._block, place = begin, self._read_block(begin), 0
            end = self._block.find(b"\n")
        if end < 0:
            raise ValueError("a line without an end")
        return self._block[place:end]

    def _read_block(self, begin: int) -> bytes:
        if begin > _MOST_BYTES:
            raise ValueError("an offset beyond the end")
        with open_record(self._lines, most=_MOST_BYTES) as stream:
            stream.seek(begin)
            data = stream.read(_BLOCK)
            return data if b"\n" in data else data + stream.read(_MOST_LINE - _BLOCK)

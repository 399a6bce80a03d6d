"""Keeps the exact overrides of every task, written before the first launch and never expanded again."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

from hsm_core import parsing
from hsm_core.errors import StoreError
from hsm_core.model import HIDDEN, Task
from hsm_core.overrides import without_secrets
from hsm_core.parsing import MOST_TASKS
from hsm_core.safe_open import new_file, open_record

from .files import nonce, to_line
from .layout import SweepPaths

_OFFSET = struct.Struct("<Q")
#: What the names of files have that hold tasks' secrets.
_PRIVATE = ".private"
_NAME = re.compile(r"(0|[1-9]\d{0,5})\.jsonl", re.ASCII)
#: Bytes of the lines of all tasks, and of one of them, at most; and of how many lines are read at once.
_MOST_BYTES, _MOST_LINE, _BLOCK = 2**32, 2**22, 2**16


def write_tasks(paths: SweepPaths, first: int, overrides: Iterable[Sequence[str]]) -> int:
    """Writes one line a task, numbered from ``first``; the files appear complete, the lines last.

    Where overrides are secrets, these lines hide them, and a private file has them as they are.

    Returns:
        The number of tasks written.
    """
    count, hides = 0, _Hides()
    with _Lines(paths, first, "", 0o644) as shown, _Lines(paths, first, _PRIVATE, 0o600) as whole:
        is_needed = False
        for row in overrides:
            texts = list(row)
            public = hides.hidden(texts)
            if public is not texts and not is_needed:
                whole.begin_as(shown)
                is_needed = True
            shown.add(first + count, public)
            if is_needed:
                whole.add(first + count, texts)
            count += 1
        if is_needed:
            whole.publish()
        shown.publish()
    return count


class _Hides:
    """Hides secrets in overrides, and judges each key once."""

    def __init__(self) -> None:
        self._is_secret: dict[str, bool] = {}

    def hidden(self, texts: list[str]) -> list[str]:
        """Returns the overrides as others may read them; the same list if none is a secret."""
        return [without_secrets(text) for text in texts] if any(map(self._may_be_secret, texts)) else texts

    def _may_be_secret(self, text: str) -> bool:
        head = text.partition("=")[0]
        known = self._is_secret.get(head)
        if known is None:
            known = self._is_secret[head] = without_secrets(f"{head}=x") != f"{head}=x"
        return known


class _Lines:
    """The two files of tasks' lines, under names of their own until they are published."""

    def __init__(self, paths: SweepPaths, first: int, kind: str, mode: int) -> None:
        self._places = paths.task_lines(first, kind), paths.task_offsets(first, kind)
        suffix = f".{nonce()}.tmp"
        self._temporary = [path.with_name(f".{path.name}{suffix}") for path in self._places]
        self._position = 0
        self._lines, self._offsets = (new_file(path, mode) for path in self._temporary)

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        for stream, path in zip((self._lines, self._offsets), self._temporary, strict=True):
            stream.close()
            path.unlink(missing_ok=True)

    def add(self, number: int, overrides: Sequence[str]) -> None:
        self._offsets.write(_OFFSET.pack(self._position))
        self._position += self._lines.write(to_line({"task": number, "overrides": overrides}))

    def begin_as(self, other: _Lines) -> None:
        """Takes over all lines that another has."""
        for mine, its in ((self._lines, other._lines), (self._offsets, other._offsets)):
            its.seek(0)
            while data := its.read(_BLOCK):
                mine.write(data)
        self._position = other._position

    def publish(self) -> None:
        for stream in (self._lines, self._offsets):
            stream.flush()
            os.fsync(stream.fileno())
        for temporary, path in reversed(list(zip(self._temporary, self._places, strict=True))):
            os.replace(temporary, path)


def require_no_hidden(tasks: Iterable[Task]) -> Iterator[Task]:
    """Yields tasks that are to run.

    Raises:
        StoreError: one has values that only the user can read who started the sweep.
    """
    for task in tasks:
        hidden = [text for text in task.overrides if text.endswith(f"={HIDDEN}")]
        if hidden:
            raise StoreError(
                f"task {task.number} can't run without the values that only who started the sweep can read",
                evidence=", ".join(hidden), fix="hydra.sweep.dir=DIRECTORY    # with values of your own",
            )
        yield task


class NoSuchTask(StoreError, IndexError):
    """A sweep's files have no such task; perhaps they were cut."""


class TaskTable(Sequence[Task]):
    """The tasks of a sweep by number, read as they are asked for.

    Raises:
        StoreError: a task's line is missing or damaged.
    """

    def __init__(self, paths: SweepPaths) -> None:
        self._folder = paths.tasks
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
        raise NoSuchTask(f"there are no overrides of task {number}", evidence=f"{self._folder} has {len(self)} tasks")

    def __iter__(self) -> Iterator[Task]:
        for part in self._parts:
            for number in range(part.first, part.first + part.count):
                yield part.read(number)


def _is_ours(path: Path) -> bool:
    try:
        return os.lstat(path).st_uid == os.geteuid()
    except OSError:
        return False


class _Part:
    def __init__(self, paths: SweepPaths, first: int) -> None:
        self.first = first
        kind = _PRIVATE if _is_ours(paths.task_lines(first, _PRIVATE)) else ""
        self._lines = paths.task_lines(first, kind)
        with open_record(paths.task_offsets(first, kind), most=MOST_TASKS * _OFFSET.size) as stream:
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

"""Copies files over an agent's channel: small ones together, large ones in pieces, several calls at once."""

from __future__ import annotations

import errno
import json
import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from hsm_core.hosts.files import OTHERS_WRITE, digest_of, finish_part, part_of, write_part
from hsm_core.hosts.kept_part import KeptPart

from .answers import as_number, rows_in
from .messages import Message

#: Bytes of a piece, or of small files together; files that go together at most; calls that are on the way at once,
#: at most.
PIECE, TOGETHER, AT_ONCE = 1 << 18, 400, 8
#: Bytes of which a host tells the hash at once.
HASHED = 1 << 31
#: Seconds that other calls may wait behind those of a copy.
WAIT_S = 0.1

Asked = TypeVar("Asked")
Send = Callable[..., Asked]
Result = Callable[[Asked], Message]
T = TypeVar("T")


@dataclass(frozen=True)
class _File:
    """A file and where it goes; ``size`` is that before it was copied."""

    source: Path
    target: Path
    size: int
    changed_ns: int
    mode: int


def push(copies: Mapping[Path, Path], send: Send[Asked], result: Result[Asked]) -> None:
    """Copies files to the host, see ``Host.push``.

    Args:
        send: sends a call that may be asked for twice.
        result: waits for its answer.
    """
    small, large = _by_size(
        _File(here, there, found.st_size, found.st_mtime_ns, found.st_mode & 0o700)
        for here, there in copies.items()
        for found in [os.stat(here)]
    )
    calls = ((group, _put(group, send)) for group in _together(small))
    for _, asked in _ahead(calls):
        result(asked)
    for file in large:
        _push_large(file, send, result)


def _put(group: list[_File], send: Send[Asked]) -> Asked:
    contents = [file.source.read_bytes() for file in group]
    parts = [
        [str(file.target), str(part_of(file.target)), len(content), file.mode]
        for file, content in zip(group, contents, strict=True)
    ]
    return send("put", b"".join(contents), parts=parts)


def _push_large(file: _File, send: Send[Asked], result: Result[Asked]) -> None:
    part = str(part_of(file.target))
    latest: deque[Asked] = deque(maxlen=AT_ONCE)

    def calls(stream: BinaryIO) -> Iterator[Asked]:
        for offset in range(0, file.size, PIECE):
            latest.append(send("put_part", stream.read(PIECE), part=part, offset=offset, mode=file.mode))
            yield latest[-1]

    try:
        with open(file.source, "rb") as stream:
            for asked in _ahead(calls(stream)):
                result(asked)
        result(send("finish", part=part, path=str(file.target), length=file.size))
    except OSError:
        for asked in latest:  # one that is late would make the file anew
            with suppress(OSError):
                result(asked)
        with suppress(OSError):
            result(send("drop", part=part))
        raise


def pull(copies: Mapping[Path, Path], send: Send[Asked], result: Result[Asked]) -> None:
    """Copies files from the host, see ``Host.pull``; writes nothing but the files that were asked for."""
    names = list(copies)
    rows: list[list[int]] = []
    for start in range(0, len(names), TOGETHER):
        asked = [str(name) for name in names[start : start + TOGETHER]]
        found = rows_in(result(send("sizes", json.dumps(asked).encode())).body, 3)
        rows += [[as_number(value, "size") for value in row] for row in found]
    files = [_File(there, copies[there], *row) for there, row in zip(names, rows, strict=True)]
    small, large = _by_size(files)
    calls = ((group, _get([(file, 0, file.size) for file in group], send)) for group in _together(small))
    for group, answer in _ahead(calls):
        _write_small(group, result(answer).body)
    for file in large:
        _pull_large(file, send, result)


def _require_room(file: _File, part: KeptPart) -> None:
    """Refuses a file for which the disk here has no room, before it is full: the size is the host's word alone."""
    disk = os.statvfs(file.target.parent)
    size, free = file.size - part.size, disk.f_bavail * disk.f_frsize
    if size > free:
        if not part.size:
            part.drop()
        raise OSError(errno.ENOSPC, f"{size} bytes are to come, and {free} are free", str(file.target))


def _get(pieces: list[tuple[_File, int, int]], send: Send[Asked]) -> Asked:
    return send("get", json.dumps([[str(file.source), offset, size] for file, offset, size in pieces]).encode())


def _write_small(group: list[_File], body: bytes) -> None:
    if len(body) != sum(file.size for file in group):
        raise OSError(f"{group[0].source}, or a file beside it, changed while it was copied")
    place = 0
    for file in group:
        part = part_of(file.target)
        with _gone_after(part):
            write_part(part, 0, body[place : place + file.size], _mode(file))
            finish_part(part, file.target, file.size)
        place += file.size


def _pull_large(file: _File, send: Send[Asked], result: Result[Asked]) -> None:
    """Copies a file that may take long: what came before a break is kept, and checked when it is gone on with."""
    part = KeptPart(file.target, f"{file.size} {file.changed_ns}", _mode(file))
    with part:
        start = part.size // PIECE * PIECE if part.size <= file.size else 0
        _require_room(file, part)
        sizes = ((offset, min(PIECE, file.size - offset)) for offset in range(start, file.size, PIECE))
        calls = (((offset, size), _get([(file, offset, size)], send)) for offset, size in sizes)
        for (offset, size), asked in _ahead(calls):
            data = result(asked).body
            if len(data) != size:
                part.drop()
                raise OSError(f"{file.source} changed while it was copied")
            part.write(offset, data)
        if start and not _are_same(part, file, start, send, result):
            part.drop()
            raise OSError(f"{file.source}: what an earlier copy left of it here is damaged, and is copied again")
        part.keep(file.size)
        finish_part(part.path, file.target, file.size)


def _are_same(part: KeptPart, file: _File, size: int, send: Send[Asked], result: Result[Asked]) -> bool:
    for offset in range(0, size, HASHED):
        length = min(HASHED, size - offset)
        said = result(send("digest", path=str(file.source), offset=offset, length=length)).head.get("digest")
        if said != digest_of(part.path, offset, length):
            return False
    return True


def _mode(file: _File) -> int:
    return (file.mode & 0o777 & ~OTHERS_WRITE) | 0o600


class _gone_after:  # used as a verb
    """Removes a temporary file that was not renamed."""

    def __init__(self, part: Path) -> None:
        self._part = part

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._part.unlink()


def _by_size(files: Iterable[_File]) -> tuple[list[_File], list[_File]]:
    small: list[_File] = []
    large: list[_File] = []
    for file in files:
        (small if file.size <= PIECE else large).append(file)
    return small, large


def _together(files: list[_File]) -> Iterator[list[_File]]:
    group: list[_File] = []
    size = 0
    for file in files:
        if group and (size + file.size > PIECE or len(group) == TOGETHER):
            yield group
            group, size = [], 0
        group.append(file)
        size += file.size
    if group:
        yield group


def _ahead(calls: Iterator[T]) -> Iterator[T]:
    """Yields calls in turn, with some of those that follow already sent.

    On a slow link these are few: whatever else goes over it waits behind them.
    """
    sent: deque[tuple[T, float]] = deque()
    most, least_s = 2, math.inf
    for call in calls:
        sent.append((call, time.monotonic()))
        while len(sent) >= most:
            first, at = sent.popleft()
            yield first
            took_s = time.monotonic() - at
            least_s = min(least_s, took_s)
            most = min(AT_ONCE, most + 1) if took_s < least_s + WAIT_S else max(1, most - 1)
    yield from (call for call, _ in sent)

"""Writes and lists files of this machine, so that asking for the same twice does no harm."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .interface import Found

#: Whoever may read what we write: the user alone.
FILE_MODE, FOLDER_MODE = 0o600, 0o700
#: Bits that no file or folder from a host has here, whatever the host says.
OTHERS_WRITE = 0o022


def write_whole(path: Path, data: bytes, mode: int = FILE_MODE) -> None:
    """Writes a file under a temporary name, flushes it to disk and renames it; makes its folders.

    Raises:
        OSError: what was there before is still there, and nothing else.
    """
    part = part_of(path)
    try:
        write_part(part, 0, data, mode)
        finish_part(part, path, len(data), durable=True)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def append_at(path: Path, offset: int, data: bytes) -> None:
    """Writes data at the end of a file, which is at ``offset``; data that is there already is not written again.

    Raises:
        OSError: disk refuses; what was written of it stays, and the same call goes on there.
        ValueError: something else lies at ``offset``, or the file ends before it.
    """
    make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        size = os.fstat(descriptor).st_size
        there = _read_at(descriptor, offset, len(data)) if offset <= size <= offset + len(data) else None
        if there is None or not data.startswith(there):
            raise ValueError(f"{path} has {size} bytes, and other data at {offset} than was sent")
        _write_at(descriptor, size, data[len(there) :])
    finally:
        os.close(descriptor)


def overwrite(path: Path, data: bytes) -> None:
    """Writes over the first bytes of a file in place: they have their room on disk already.

    Raises:
        OSError: it is not there, or can't be written.
        ValueError: it is shorter than the data.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        if size < len(data):
            raise ValueError(f"{path} has {size} bytes, less than the {len(data)} to be written over")
        _write_at(descriptor, 0, data)
    finally:
        os.close(descriptor)


def part_of(path: Path) -> Path:
    """Returns a temporary name beside a file."""
    return path.with_name(f".hsm-{os.urandom(6).hex()}.tmp")


def write_part(part: Path, offset: int, data: bytes, mode: int = FILE_MODE) -> None:
    """Writes a piece of a file that is not complete yet; pieces may come in any order."""
    make_folder(part.parent)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        os.fchmod(descriptor, mode)
        _write_at(descriptor, offset, data)
    finally:
        os.close(descriptor)


def finish_part(part: Path, path: Path, size: int, *, durable: bool = False) -> None:
    """Gives a complete file its name.

    Args:
        durable: flush it to disk first; otherwise a power cut may leave an empty file.

    Raises:
        OSError: it has another size, or can't be renamed.
    """
    descriptor = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor).st_size
        if found != size:
            raise OSError(f"{path}: {found} bytes arrived of {size}")
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(part, path)


def digest_of(path: Path, offset: int, size: int) -> str:
    """Returns the SHA-256 of a part of a file, in hexadecimal.

    Raises:
        OSError: it can't be read.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        file.seek(offset)
        while size > 0 and (piece := file.read(min(size, 1 << 20))):
            digest.update(piece)
            size -= len(piece)
    return digest.hexdigest()


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it; only the user may enter what is new."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=FOLDER_MODE, exist_ok=True)


def found_below(folder: Path) -> Iterator[Found]:
    """Lists what lies in a folder and below it; links are told, not followed; devices and the like are left out.

    Raises:
        OSError: the folder can't be read.
    """
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                found = entry.stat(follow_symlinks=False)
                path = Path(entry.path)
                name = path.relative_to(folder)
                if stat.S_ISDIR(found.st_mode):
                    waiting.append(path)
                    yield Found(name, "folder", 0, found.st_mtime_ns, found.st_mode & 0o777)
                elif stat.S_ISREG(found.st_mode):
                    yield Found(name, "file", found.st_size, found.st_mtime_ns, found.st_mode & 0o777)
                elif stat.S_ISLNK(found.st_mode):
                    yield Found(name, "link", 0, found.st_mtime_ns, 0o777, os.readlink(path))


def _read_at(descriptor: int, offset: int, size: int) -> bytes:
    pieces = []
    while size > 0 and (piece := os.pread(descriptor, size, offset)):
        pieces.append(piece)
        offset, size = offset + len(piece), size - len(piece)
    return b"".join(pieces)


def _write_at(descriptor: int, offset: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        offset, view = offset + written, view[written:]

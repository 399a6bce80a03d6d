"""Brings files of a host to the same places here: by their new bytes, or a whole folder.

A host is not trusted: nothing is written outside the folder that was asked for, no link leads out of it.
"""

from __future__ import annotations

import errno
import math
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hsm_core.errors import HostTrouble

from .files import OTHERS_WRITE, append_at, make_folder, part_of
from .interface import Found, Host

#: Bytes that are read at once of a file that grows; bytes of its end here that are compared again with those there.
PIECE, AGAIN = 1 << 20, 64
#: Bytes of a line at most, of a file that is taken by whole lines.
MOST_LINE = 1 << 24

#: Is shown a file's new bytes before they are written here.
Before = Callable[[bytes], None]


@dataclass(frozen=True)
class Fetched:
    """Tells what came of a folder, and what did not.

    Args:
        files: that were copied now; others were here already.
        size: their bytes.
        left: what was not wanted, and links that lead out of the folder.
    """

    files: int
    size: int
    left: tuple[Found, ...]


class Mirror:
    """A folder of a host, and the folder here that gets the same files.

    It need not remember anything: after its end, another one goes on where the files here, or there, end.

    Args:
        there, here: the two folders.
    """

    def __init__(self, host: Host, there: Path, here: Path) -> None:
        self._host, self._there, self._here = host, there, here
        self._given: dict[Path, int] = {}  # bytes that are surely there

    def follow(
        self, name: Path, before: Before | None = None, *, whole_lines: bool = False, most: int | None = None,
        into: Path | None = None,
    ) -> int:  # fmt: skip
        """Appends what a file has more there than here; returns how many bytes.

        Args:
            name: relative to both folders.
            before: if it raises an error, the bytes that it was shown are not written, and come again next time.
            whole_lines: leave what follows the last line feed for later.
            most: once so many bytes have come, the rest is for later.
            into: another name for it here.

        Raises:
            OSError: it can't be read or written; what came is kept.
            ValueError: it does not begin as the file here does.
        """
        came = 0
        for size in self._pieces(name, self._here / (into or name), before, whole_lines):
            came += size
            if most is not None and came >= most:
                break
        return came

    def give(self, name: Path) -> None:
        """Appends what a file has more here than there: what only we write, such as an inbox. Twice does no harm.

        Raises:
            OSError: it can't be read, or not be sent; it goes on there next time.
            ValueError: it does not begin there as it does here.
        """
        start = self._given.get(name, 0)
        with open(self._here / name, "rb") as file:
            file.seek(start)
            data = file.read()
        if data:
            self._host.append(self._there / name, start, data)
            self._given[name] = start + len(data)

    def _pieces(self, name: Path, path: Path, before: Before | None, whole_lines: bool) -> Iterator[int]:
        piece = PIECE
        while True:
            size = path.stat().st_size if path.exists() else 0
            start = max(0, size - AGAIN)
            data = self._host.read(self._there / name, start, size - start + piece)
            known, new = data[: size - start], data[size - start :]
            is_all = len(new) < piece
            if len(new) > piece:
                raise HostTrouble(f"{self._host.name} sends more of {name} than it was asked for")
            if whole_lines:
                new = new[: new.rfind(b"\n") + 1]
                if not new and not is_all:
                    if piece >= MOST_LINE:
                        raise ValueError(f"{name} on {self._host.name} has a line of more than {piece} bytes")
                    piece *= 2
                    continue
            _require_same(path, start, known, size)
            if new:
                if before is not None:
                    before(new)
                append_at(path, start, known + new)
                yield len(new)
            if is_all:
                return

    def fetch(
        self, folder: Path, wanted: Callable[[Found], bool] = lambda _: True, most: float = math.inf
    ) -> Fetched | None:
        """Copies a folder that nobody writes to any more: files first, links last.

        A file that is here with the same size and time is not copied again. Nothing that is here is removed.

        Args:
            folder: relative to both folders.
            wanted: says of what is named relative to ``folder`` whether it is to come. A folder that is not, but has
                something in it that is, is here as open to others as the one above it.
            most: bytes to copy; of a folder that has more of them, nothing is copied.

        Returns:
            what came; None: it has more bytes than that.

        Raises:
            OSError: something can't be copied, or changed meanwhile; what came is complete, and the rest comes if
                it is asked for again.
        """
        there, here = self._there / folder, self._here / folder
        found = self._host.files(there)
        folders = {one.name: one for one in found if one.kind == "folder"}
        own = {name for name, one in folders.items() if wanted(one)}
        _require_folders(self._host.name, found, folders.keys() | {Path()})
        files = [one for one in found if one.kind == "file" and wanted(one)]
        links = {one.name: _inner_target(one, there, here) for one in found if one.kind == "link" and wanted(one)}
        new = [one for one in files if not is_here(here / one.name, one)]
        if sum(one.size for one in new) > most:
            return None
        make_folder(here)
        above = {one for name in (*(one.name for one in files), *links) for one in name.parents if one.parts}
        for name in sorted(own | above, key=lambda name: len(name.parts)):
            _make_real_folder(here / name)
        new = [one for one in files if not is_here(here / one.name, one)]  # a folder may have become a real one
        self._copy(there, here, new)
        for name, target in links.items():
            if target is not None:
                _link(here / name, target)
        for name in sorted(own, key=lambda name: -len(name.parts)):
            (here / name).chmod(folders[name].mode & ~OTHERS_WRITE | 0o700)
        came = {one.name for one in files} | {name for name, target in links.items() if target is not None}
        left = tuple(one for one in found if one.kind != "folder" and one.name not in came)
        return Fetched(len(new), sum(one.size for one in new), left)

    def _copy(self, there: Path, here: Path, files: Sequence[Found]) -> None:
        """Copies files, and gives each its time once it is certain that it did not change meanwhile."""
        if not files:
            return
        self._host.pull({there / one.name: here / one.name for one in files})
        later = {one.name: one for one in self._host.files(there)}
        for one in files:
            now, size = later.get(one.name), (here / one.name).stat().st_size
            if now is None or (now.size, now.changed_ns) != (one.size, one.changed_ns) or size != one.size:
                raise OSError(f"{there / one.name} on {self._host.name} changed while it was copied")
        for one in files:
            os.utime(here / one.name, ns=(one.changed_ns, one.changed_ns))


def _require_same(path: Path, start: int, known: bytes, size: int) -> None:
    own = b""
    if size:
        with open(path, "rb") as file:
            file.seek(start)
            own = file.read(size - start)
    if own != known:
        raise ValueError(f"{path} has {size} bytes, and the host's own file does not begin with them any more")


def _require_folders(host: str, found: Sequence[Found], folders: set[Path]) -> None:
    """Refuses a file in what is no folder: a link there could lead anywhere."""
    for one in found:
        if one.name.is_absolute() or ".." in one.name.parts or one.name.parent not in folders:
            raise HostTrouble(f"the list of files of {host} can't be used", evidence=f"{str(one.name)!r:.100}")


def _make_real_folder(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    with suppress(FileExistsError):
        path.mkdir(0o700)
        path.chmod(stat.S_IMODE(os.stat(path.parent).st_mode) & 0o777 & ~OTHERS_WRITE)
    if not path.is_dir():
        raise FileExistsError(errno.EEXIST, "a file lies where a folder is to come", str(path))


def is_here(path: Path, found: Found) -> bool:
    """Returns whether a file is here with the size and the time that it has there."""
    if path.is_symlink() or not path.is_file():
        return False
    own = path.stat()
    return (own.st_size, own.st_mtime_ns) == (found.size, found.changed_ns)


def _inner_target(link: Found, there: Path, here: Path) -> str | None:
    """Returns where a link leads here; None: out of its folder, or nobody can tell.

    A ``..`` is allowed at the beginning only: behind the name of another link it would lead elsewhere than it seems.
    """
    target = PurePosixPath(link.target)
    if not link.target or "\0" in link.target:
        return None
    if target.is_absolute():
        if not target.is_relative_to(there):
            return None
        inner = target.relative_to(there)
        return None if ".." in inner.parts else str(here / inner)
    up = next((number for number, part in enumerate(target.parts) if part != ".."), len(target.parts))
    if up > len(link.name.parts) - 1 or ".." in target.parts[up:]:
        return None
    return link.target


def _link(path: Path, target: str) -> None:
    if path.is_symlink() and os.readlink(path) == target:
        return
    part = part_of(path)
    try:
        os.symlink(target, part)
        os.replace(part, path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise

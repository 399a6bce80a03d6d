"""Copies an app's directory, so that edits made while a sweep waits never reach its tasks."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from hsm_core.errors import ConfigError
from hsm_core.safe_open import make_directory

from .code import committable

#: Bytes at most: a snapshot is of code and its small files, not of data sets.
_MOST_BYTES = 500_000_000


def freeze(root: str, folder: Path) -> Path:
    """Copies what git would commit of ``root``, untracked files too and ignored ones not; makes the copy read-only.

    Args:
        root: the app's directory; without git, all of it but hidden and output directories is copied.
        folder: where snapshots lie, each named by its content; one that is there is not made again.

    Returns:
        the snapshot.

    Raises:
        ConfigError: there is too much to copy.
        OSError: the disk refuses.
    """
    names = files_of(root)
    _require_small(root, names)
    target = folder / _content_name(root, names)
    if target.is_dir():
        return target
    make_directory(folder)
    unfinished = folder / f".{target.name}.{os.getpid()}.tmp"
    make_directory(unfinished, 0o700)  # nobody else comes in before it is read-only
    for name in names:
        _copy(Path(root, name), unfinished / name)
    _make_read_only(unfinished)
    unfinished.chmod(0o555)
    os.rename(unfinished, target)
    return target


def files_of(root: str) -> list[str]:
    """Returns the files of an app that a snapshot of it has, by their names relative to ``root``.

    A link to a folder of the app becomes a copy of it; one that leads out is left out.
    """
    names = committable(root)
    names += [inner for name in names for inner in _behind_link(root, name, names)]
    return sorted(name for name in names if os.path.isfile(os.path.join(root, name)))


def _behind_link(root: str, name: str, names: list[str]) -> Iterator[str]:
    """Yields the files that are seen through a link to a folder of the app, by their names there."""
    path = os.path.join(root, name)
    if os.path.islink(path) and os.path.isdir(path):
        folder = os.path.relpath(os.path.realpath(path), os.path.realpath(root)) + "/"
        yield from (f"{name}/{other[len(folder):]}" for other in names if other.startswith(folder))


def _require_small(root: str, names: list[str]) -> None:
    sizes = {name: os.path.getsize(os.path.join(root, name)) for name in names}
    total = sum(sizes.values())
    if total > _MOST_BYTES:
        largest = sorted(sizes, key=lambda name: sizes[name], reverse=True)[:3]
        raise ConfigError(
            f"{root} is too large for a snapshot: {total / 1e6:.0f} MB, of {_MOST_BYTES / 1e6:.0f} MB at most",
            evidence="the largest: " + ", ".join(f"{name} ({sizes[name] / 1e6:.0f} MB)" for name in largest),
            fix="hydra.launcher.code=live    # or add data to .gitignore",
        )


def _content_name(root: str, names: list[str]) -> str:
    whole = hashlib.sha256()
    for name in names:
        path = Path(root, name)
        whole.update(f"{name}\0{path.stat().st_mode & stat.S_IXUSR}\0".encode("utf-8", "surrogateescape"))
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:16]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _make_read_only(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)

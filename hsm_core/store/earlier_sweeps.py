"""Sweeps that follow one another in one directory: the earlier one is kept under its id, readable as before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from hsm_core.errors import ConfigError

from .layout import SweepPaths
from .record import read_record


def is_set_aside_in_part(paths: SweepPaths) -> bool:
    """Whether the next sweep had begun to put the one in a directory aside, and was cut short.

    Raises:
        StoreError, VersionMismatch: the record can't be read.
    """
    return SweepPaths(paths.root, read_record(paths).id).hsm.is_dir()


def set_aside(paths: SweepPaths) -> None:
    """Put what the directory's sweep wrote where its id says; done again, it goes on where it was cut short.

    To be called by who holds the directory's lease, of a sweep that has ended. The record goes last.

    Raises:
        StoreError, VersionMismatch: the record can't be read.
        OSError: the disk refuses.
    """
    aside = SweepPaths(paths.root, read_record(paths).id)
    aside.hsm.mkdir(parents=True, exist_ok=True)
    for path in paths.own_files():
        if path.exists():
            os.replace(path, aside.hsm / path.name)


def require_current(place: Path) -> Path:
    """The directory of a sweep that can be gone on with.

    Args:
        place: see ``SweepPaths.place``.

    Raises:
        ConfigError: a later sweep has its directory.
    """
    paths = SweepPaths.at(place)
    if paths.earlier:
        raise ConfigError(
            f"{paths.earlier} can be read, but not resumed: a later sweep uses its directory",
            evidence=f"{read_record(SweepPaths(paths.root)).id} began in {paths.root}",
            fix=f"hsm command {paths.earlier} 0    # what task 0 ran",
        )
    return place


def sweeps_in(paths: SweepPaths) -> Iterator[SweepPaths]:
    """The sweep of a directory, and those that were there before it."""
    if paths.record.is_file():
        yield paths
    for record in sorted((paths.hsm / "earlier").glob("*/sweep.json")):
        yield SweepPaths(paths.root, record.parent.name)

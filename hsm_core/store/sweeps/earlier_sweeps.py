"""Keeps earlier sweeps of a directory under their ids, readable as before, when another one begins there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from hsm_core.errors import ConfigError
from hsm_core.overrides import quoted
from hsm_core.safe_open import make_directory

from ..layout import SweepPaths
from ..record import read_record


def is_set_aside_in_part(paths: SweepPaths) -> bool:
    """Returns whether a later sweep had begun to set this one aside and was cut short.

    Raises:
        StoreError, VersionMismatch: the record can't be read.
    """
    return SweepPaths(paths.root, read_record(paths).id).hsm.is_dir()


def set_aside(paths: SweepPaths) -> None:
    """Moves what the directory's sweep wrote to where its id says; called again, goes on where it was cut short.

    The sweep must have ended, and the caller must hold the directory's lease. The record goes last.

    Raises:
        StoreError, VersionMismatch: the record can't be read.
        OSError: the disk refuses.
    """
    aside = SweepPaths(paths.root, read_record(paths).id)
    make_directory(aside.hsm.parent)
    make_directory(aside.hsm)
    for path in paths.own_files():
        if path.exists():
            os.replace(path, aside.hsm / path.name)


def require_current(place: Path) -> Path:
    """Returns the directory of a sweep that can be resumed.

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
            fix=f"hsm command {quoted(paths.earlier)} 0    # what task 0 ran",
        )
    return place


def sweeps_in(paths: SweepPaths) -> Iterator[SweepPaths]:
    """Yields the sweep of a directory, and those that were there before it."""
    if paths.record.is_file():
        yield paths
    for record in sorted((paths.hsm / "earlier").glob("*/sweep.json")):
        yield SweepPaths(paths.root, record.parent.name)

"""Finds the sweep that a path lies in."""

from __future__ import annotations

import os
from pathlib import Path

from hsm_core.safe_open import why_not_own

from ..layout import SweepPaths


def sweep_root(path: Path, *, typed: bool = False) -> Path | None:
    """Returns the place (``SweepPaths.place``) of the sweep that ``path`` is or lies in; None if there is none.

    Args:
        typed: the user named this path, so whatever sweep it is, is meant. Else, and above it, one of somebody else
            is not: they may have put it there to be found.
    """
    for directory in (path, *path.parents):
        paths = SweepPaths.at(directory)
        if os.path.isfile(paths.record) and ((typed and directory == path) or _is_own(paths)):
            return directory
    return None


def place_around(path: Path) -> Path | None:
    """Returns the sweep directory that a path is or lies in, whoever's it is; None if it lies in none."""
    absolute = path.absolute()
    return next((one for one in (absolute, *absolute.parents) if os.path.isfile(SweepPaths(one).record)), None)


def _is_own(paths: SweepPaths) -> bool:
    try:
        return not any(why_not_own(os.lstat(path)) for path in (paths.hsm, paths.record))
    except OSError:
        return False

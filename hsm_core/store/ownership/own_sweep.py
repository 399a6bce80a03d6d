"""Requires that a sweep is this user's, and that nobody else can put another one in its place, before it acts."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hsm_core.errors import StoreError
from hsm_core.overrides import quoted
from hsm_core.safe_open import NotOwn, read_own, user_name, why_not_own

from ..layout import SweepPaths
from ..sweeps.catalogue import is_listed
from ..sweeps.earlier_sweeps import require_current

#: Who can come to a directory, beside its user.
Comers = Literal["everybody", "its group"]
#: As many links as Linux follows.
_MOST_LINKS = 40


@dataclass(frozen=True)
class Doubt:
    """The reason why a sweep may be somebody else's.

    Args:
        seen: what was seen, with its path.
        fix: a line to copy that removes it; empty if its user can't.
        is_shared: all of it is this user's, but its group can put something else in its place.
    """

    seen: str
    fix: str = ""
    is_shared: bool = False


def copied(root: Path) -> str:
    """Returns the line that copies somebody's sweep, and shows what the copy would run."""
    return (
        f"cp -r {quoted(str(root))} ~/{quoted(root.name)}; hsm resume ~/{quoted(root.name)} --dry-run"
        "    # a copy of your own, without what is private to others"
    )


def require_own(paths: SweepPaths, otherwise: Callable[[Path], str] = copied) -> None:
    """Requires that a sweep may act in this user's name.

    A group's folder is open to the group: there, only a sweep that the user's own list knows by its content acts.

    Args:
        otherwise: from the sweep's directory, the line to type where it can't be made the user's own.

    Raises:
        NotOwn: it is somebody else's, or others can change it or put another in its place.
    """
    doubt = doubt_about(paths)
    if doubt is None:
        return
    problem = f"the sweep in {paths.root} may be somebody else's work: nothing is done"
    raise NotOwn(problem, evidence=doubt.seen, fix=doubt.fix or otherwise(paths.root))


def require_own_current(place: Path) -> Path:
    """Returns the directory of a sweep that this user can resume.

    Args:
        place: see ``SweepPaths.place``.

    Raises:
        ConfigError: a later sweep has its directory.
        NotOwn: see ``require_own``.
    """
    require_own(SweepPaths.at(place))
    return require_current(place)


def doubt_about(paths: SweepPaths) -> Doubt | None:
    """Returns why a sweep may not act in this user's name; None if it may."""
    doubt = _of_its_own(paths) or _of_places_above(paths.root)
    if doubt is not None and doubt.is_shared and _is_listed(paths):
        return None
    return doubt


def _is_listed(paths: SweepPaths) -> bool:
    try:
        return is_listed(read_own(paths.record))
    except (OSError, StoreError):
        return False


def _of_its_own(paths: SweepPaths) -> Doubt | None:
    """Returns a doubt about the sweep's directories, or its record; each other file is checked when it is opened."""
    for path in (paths.root, *_directories(paths.hsm), paths.record):
        try:
            found = os.lstat(path) if path != paths.root else os.stat(path)
        except FileNotFoundError:
            continue
        why = why_not_own(found)
        if stat.S_ISLNK(found.st_mode):
            why = why or "is a link"
        if not why:
            continue
        if found.st_uid != os.geteuid() or stat.S_ISLNK(found.st_mode):
            return Doubt(f"{path} {why}")
        is_shared = path == paths.root and not found.st_mode & stat.S_IWOTH
        return Doubt(f"{path} {why}", f"chmod go-w {quoted(str(path))}", is_shared)
    return None


def _directories(hsm: Path) -> Iterator[Path]:
    """Yields a sweep's folder and those in it; of submissions too."""
    yield hsm
    for entry in _entries(hsm):
        if entry.name == "earlier" or (not entry.is_symlink() and not entry.is_dir()):
            continue
        yield Path(entry.path)
        if entry.name.startswith("launch-") and not entry.is_symlink():
            yield from (Path(one.path) for one in _entries(Path(entry.path)) if one.is_dir())


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _of_places_above(root: Path) -> Doubt | None:
    """Returns a doubt about a directory above, in which others could rename what is below.

    What nobody else can come to, as below a home of mode 0700, nobody else can change. Where only a group can come
    to, its members may write what everybody may: they need not be in the group of what lies below. Nor may another
    user's link lead to the sweep: another one of this user's may be meant.
    """
    for link in _links(Path(os.path.abspath(root))):
        owner = os.lstat(link).st_uid
        if owner not in (0, os.geteuid()):
            return Doubt(f"{link} is a link of {user_name(owner)}")
    for path in dict.fromkeys((Path(os.path.abspath(root)), Path(os.path.realpath(root)))):
        comers: Comers = "everybody"
        for above in reversed(path.parents):
            found = os.stat(above)
            doubt = _of_place(above, found, comers)
            if doubt is not None:
                return doubt
            if not found.st_mode & (stat.S_IXGRP | stat.S_IXOTH):
                break
            if not found.st_mode & stat.S_IXOTH:
                comers = "its group"
    return None


def _links(path: Path) -> Iterator[Path]:
    """Yields the links that are followed to come to a path, one after the other."""
    for _ in range(_MOST_LINKS):
        link = next((one for one in (*reversed(path.parents), path) if os.path.islink(one)), None)
        if link is None:
            return
        yield link
        path = link.parent / os.readlink(link) / path.relative_to(link)


def _of_place(path: Path, found: os.stat_result, comers: Comers) -> Doubt | None:
    """Returns a doubt about a directory to which others can come."""
    is_sticky = found.st_mode & stat.S_ISVTX  # only an entry's owner renames it, and the directory's
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not is_sticky:
        who = comers if found.st_mode & stat.S_IWOTH else "its group"
        is_mine = found.st_uid == os.geteuid()
        fix = f"chmod go-w {quoted(str(path))}" if is_mine else ""
        seen = f"{who} can rename what is in {path} (mode {stat.S_IMODE(found.st_mode):o})"
        return Doubt(seen, fix, is_shared=who == "its group")
    if found.st_uid not in (0, os.geteuid()):
        return Doubt(f"{path}, above it, belongs to {user_name(found.st_uid)}", is_shared=True)
    return None

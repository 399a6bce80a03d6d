"""Finds the sweep that a user means, by what was typed; says what is there where it is none."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from hsm_core.errors import SweepNotFound
from hsm_core.model import counted
from hsm_core.overrides import quoted
from hsm_core.safe_open import user_name

from ..layout import SweepPaths
from .catalogue import Entry, entries, folder, follow
from .sweep_root import place_around, sweep_root

#: For those who have no sweep yet.
FIRST_STEP = "python train.py -m hydra/launcher=hsm_local seed=1,2    # your app, and what varies"
#: What ends an id, see ``record.new_id``.
_END_OF_ID = re.compile(r"-\d{4}-\d{4}-[a-z0-9]{3,6}")
#: Characters of an id's end: time and random ones, and a little of the name.
_COMPARED = 16


def find_place(
    selector: str, *, gone_too: bool = False, say: Callable[[str], object] | None = None
) -> Path:
    """Returns the place (``SweepPaths.place``) of the sweep that the user means.

    Args:
        selector: ``latest``, the beginning of an id, a name (its newest sweep is meant) or a path.
        gone_too: also find a sweep that is no longer in its directory.
        say: for those who only read: is told if the newest sweep is gone, and an older one is returned.

    Raises:
        SweepNotFound: there is none, it is gone, several ids begin so, or, without ``say``, ``latest`` or a name
            means a sweep that is gone while an older one is there; the message lists the candidates.
    """
    known = entries()
    if selector == "latest":
        return _newest_there(selector, known, say)
    is_path = "/" in selector or selector in (".", "..", "~")  # else a name first, whatever lies here
    exact = [entry for entry in known if entry.id == selector]
    same_name = [] if is_path or exact else [entry for entry in known if entry.name == selector]
    if len(same_name) > 1:
        return _newest_there(selector, same_name, say)
    matching = [] if is_path else exact or same_name or _begun(known, selector)
    by_path = _by_path(selector) if len(matching) != 1 else None
    if by_path is not None:
        follow(by_path)
        return by_path
    if len(matching) != 1:
        raise _ambiguous(selector, matching) if matching else _unknown(selector, known)
    if not (gone_too or matching[0].is_there):
        raise _gone(matching[0])
    return matching[0].place


def _begun(known: list[Entry], selector: str) -> list[Entry]:
    return [entry for entry in known if entry.id.startswith(selector)]


def _newest_there(selector: str, fitting: Sequence[Entry], say: Callable[[str], object] | None) -> Path:
    """Returns the newest sweep of those that fit, newest first; an older one only for those who say so."""
    if not fitting:
        raise SweepNotFound(
            "you have no sweeps yet", fix=FIRST_STEP
        )
    found = next((entry for entry in fitting if entry.is_there), None)
    if found is None:
        raise _gone(fitting[0])
    if found is fitting[0]:
        return found.place
    told = f"{'' if selector == 'latest' else 'of this name, '}the newest sweep {_gone(fitting[0]).problem}"
    if say is None:
        forget = f"hsm forget {quoted(fitting[0].id)}"
        raise SweepNotFound(
            told, evidence=f"the newest that is there is {found.id}; '{forget}' takes the other off your list",
            fix=f"hsm-status {quoted(found.id)}", instead=(selector, found.id),
        )  # fmt: skip
    say(f"{told}; this is {found.id}")
    return found.place


def _gone(entry: Entry) -> SweepNotFound:
    if other := entry.replaced_by:
        return SweepNotFound(
            f"{entry.id} is gone: its directory was deleted, and holds the sweep {other} now",
            evidence=str(entry.dir), fix=f"hsm forget {quoted(entry.id)}    # takes it off your list",
        )  # fmt: skip
    return SweepNotFound(
        f"{entry.id} is no longer in {entry.dir}: it was moved or deleted, or its disk isn't mounted",
        fix=f"hsm forget {quoted(entry.id)}    # only if it was deleted; if it was moved: hsm-status DIRECTORY",
    )


def _by_path(selector: str) -> Path | None:
    path = Path(selector).expanduser()
    return sweep_root(path.absolute(), typed=True) if os.path.exists(path) else None


def _ambiguous(selector: str, matching: list[Entry]) -> SweepNotFound:
    lines = "".join(f"\n    {entry.id}  {entry.dir}" for entry in matching[:10])
    newest = matching[0].id
    return SweepNotFound(
        f"{len(matching)} sweeps have ids that begin with '{selector}':{lines}", fix=f"hsm-status {quoted(newest)}",
        instead=(selector, newest),
    )  # fmt: skip


def _unknown(selector: str, known: list[Entry]) -> SweepNotFound:
    import difflib

    path = Path(selector).expanduser()
    if private := _private(path):
        return private
    if os.path.exists(path):
        return _no_sweep(path)
    if os.sep in selector or selector == "~":
        was = next((entry for entry in known if entry.dir == path.absolute()), None)
        return _gone(was) if was else _no_path(path, selector)
    names = ["latest", *(word for entry in known for word in (entry.id, entry.name))]
    near = difflib.get_close_matches(selector, names, n=1)
    if _END_OF_ID.search(selector):
        near = _near_ids(selector, known)
    return SweepNotFound(
        f"no sweep fits '{selector}'",
        evidence=f"{counted(len(known), 'sweep')} in {folder()}, none with this id or name; no such path either",
        fix=f"hsm-status {quoted(near[0])}" if near else "hsm-status    # lists your sweeps",
        instead=(selector, near[0]) if near else None,
    )  # fmt: skip


def _near_ids(selector: str, known: Sequence[Entry]) -> list[str]:
    """Returns the ids that differ from what was typed in one character: others are other sweeps of the same app."""
    import difflib

    tails = {entry.id: entry.id[-_COMPARED:] for entry in known}
    near = difflib.get_close_matches(selector[-_COMPARED:], tails.values(), n=1, cutoff=0.92)
    return [identifier for identifier, tail in tails.items() if near and tail == near[0]][:1]


def _no_path(path: Path, typed: str) -> SweepNotFound:
    """Returns the error for a path that does not exist: where it ends, and what was perhaps meant."""
    import difflib

    missing = path
    while not (missing.parent.exists() or missing.parent == missing):
        missing = missing.parent
    there = [one.name for one in missing.parent.iterdir()] if missing.parent.is_dir() else []
    near = difflib.get_close_matches(missing.name, there, n=1)
    meant = str(missing.with_name(near[0]) / path.relative_to(missing)) if near else ""
    is_there = bool(meant) and Path(meant).exists()
    seen = f"is not in {missing.parent.absolute()}"
    if missing.is_symlink():
        seen = f"is a link to {os.readlink(missing)}"
    return SweepNotFound(
        f"the path {typed} does not exist", evidence=f"{missing.name} {seen}",
        fix=f"hsm-status {quoted(meant)}" if is_there else "hsm-status    # lists your sweeps",
        instead=(typed, meant) if is_there else None,
    )  # fmt: skip


def _private(path: Path) -> SweepNotFound | None:
    """Returns the error for a path into what its owner shows to nobody; None for others."""
    for place in (*reversed(path.absolute().parents), path.absolute()):
        if not os.path.isdir(place):
            return None
        if not os.access(place, os.X_OK | os.R_OK):
            found = os.stat(place)
            return SweepNotFound(
                f"{place} is private to {user_name(found.st_uid)}",
                evidence=f"its mode is {stat.S_IMODE(found.st_mode):o}; hydra.launcher.share=read opens new sweeps",
                fix="hsm-status    # lists your sweeps",
            )
    return None


def _no_sweep(path: Path) -> SweepNotFound:
    """Returns the error for a path that exists: it has sweeps in it, or is Hydra's own, or something else.

    Args:
        path: neither a sweep nor a place in one of the user's.
    """
    around = place_around(path.parent)
    if around is not None:
        return SweepNotFound(
            f"{path} lies in a sweep of {user_name(os.stat(SweepPaths(around).record).st_uid)}: name that",
            evidence=str(around), fix=f"hsm-status {quoted(str(around))}", instead=(str(path), str(around)),
        )  # fmt: skip
    below, closed = _sweeps_below(path), _private_below(path)
    if below:
        lines = "".join(f"\n    {root}" for root in below[:10])
        lines += f"\n    … and {len(below) - 10} more" if len(below) > 10 else ""
        return SweepNotFound(
            f"{path} is not a sweep, but contains {len(below)}:{lines}{closed}",
            fix=f"hsm-status {quoted(str(below[0]))}", instead=(str(path), str(below[0])),
        )  # fmt: skip
    what = _of_hydra(path)
    if what:
        return SweepNotFound(
            f"{path} is {what}, run without an hsm launcher, so hsm knows nothing of its tasks",
            evidence=f"there is no {SweepPaths(path).record}",
            fix="add hydra/launcher=hsm_local to its command line and run it again",
        )
    return SweepNotFound(
        f"{path} is not a sweep{closed}", evidence=f"there is no {SweepPaths(path).record}",
        fix="hsm-status    # lists your sweeps",
    )  # fmt: skip


def _private_below(path: Path) -> str:
    """Says how many directories below are private, and whose; empty if none is."""
    owners = Counter(
        user_name(place.lstat().st_uid) for place in path.glob("*")
        if not place.is_symlink() and os.path.isdir(place) and not os.access(place, os.X_OK | os.R_OK)
    )  # fmt: skip
    told = [counted(count, "folder", "is", "are") + f" private to {owner}" for owner, count in owners.items()]
    return "".join(f"\n    {line}" for line in told)


def _sweeps_below(path: Path) -> list[Path]:
    """Returns the sweeps below a directory such as ``multirun/`` or ``multirun/2026-11-28``, newest first."""
    places = [place for depth in ("*", "*/*") for place in path.glob(depth)]
    return sorted((place for place in places if os.path.isfile(SweepPaths(place).record)), reverse=True)


def _of_hydra(path: Path) -> str:
    """Says which of Hydra's own directories this is; empty if it is none of them."""
    if os.path.isfile(path / "multirun.yaml"):
        return "a plain Hydra multirun"
    if os.path.isdir(path / ".hydra"):
        is_job = os.path.isfile(path.parent / "multirun.yaml")
        return "a job of a plain Hydra multirun" if is_job else "a plain Hydra run"
    is_above = any(next(path.glob(f"{depth}/multirun.yaml"), None) for depth in ("*", "*/*"))
    return "a directory of plain Hydra multiruns" if is_above else ""

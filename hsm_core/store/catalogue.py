"""Remembers where the user's sweeps are, so that they are found from anywhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hsm_core import parsing
from hsm_core.errors import StoreError, SweepNotFound, VersionMismatch
from hsm_core.model import counted
from hsm_core.overrides import quoted

from .earlier_sweeps import sweeps_in
from .files import read_json, to_json, write_atomically
from .layout import SweepPaths, state_home
from .record import SweepRecord, read_record, sweep_root


@dataclass(frozen=True)
class Entry:
    """A sweep that the user started."""

    id: str
    name: str
    dir: Path
    created: str

    @property
    def place(self) -> Path:
        """The path that stands for it: its directory, unless a later sweep has that."""
        aside = SweepPaths(self.dir, self.id)
        return aside.place if aside.record.is_file() else self.dir

    @property
    def is_there(self) -> bool:
        """True if it was neither moved nor deleted since it was last seen."""
        return SweepPaths.at(self.place).record.is_file() and not self.replaced_by

    @property
    def replaced_by(self) -> str:
        """The id of a sweep that took over its directory after that had been deleted; empty if none did."""
        if SweepPaths(self.dir, self.id).record.is_file():
            return ""
        try:
            found = parsing.identifier(read_json(SweepPaths(self.dir).record)["id"])
        except (OSError, ValueError, KeyError):
            return ""  # whoever reads it says what is wrong
        return "" if found == self.id else found


def remember(record: SweepRecord, root: Path) -> None:
    """Puts a sweep on the user's list.

    Raises:
        OSError: the state directory can't be written.
    """
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    content = {"id": record.id, "name": record.name, "dir": str(root), "created": record.created}
    write_atomically(folder / f"{record.id}.json", to_json(content))


def forget(identifier: str) -> None:
    """Takes a sweep off the list; nothing of the sweep itself is deleted."""
    (_folder() / f"{identifier}.json").unlink(missing_ok=True)


def entries() -> list[Entry]:
    """Returns the user's sweeps, newest first."""
    try:
        names = [
            name for name in os.listdir(_folder()) if name.endswith(".json") and not name.startswith(".")
        ]
    except FileNotFoundError:
        return []
    found = [entry for name in names if (entry := _read(_folder() / name))]
    return sorted(found, key=lambda entry: (entry.created, entry.id), reverse=True)


def find(selector: str, *, gone_too: bool = False) -> Path:
    """Returns the place (``SweepPaths.place``) of the sweep that the user means.

    Args:
        selector: ``latest``, the beginning of an id, a name (its newest sweep is meant) or a path.
        gone_too: also find a sweep that is no longer in its directory.

    Raises:
        SweepNotFound: there is none, it is gone, or several ids begin so; the message lists the candidates.
    """
    known = entries()
    if selector == "latest":
        return _latest(known)
    exact = [entry for entry in known if entry.id == selector]
    by_path = _by_path(selector)
    if by_path is not None and not exact:
        follow(by_path)
        return by_path
    matching = exact or named(selector)[:1] or [entry for entry in known if entry.id.startswith(selector)]
    if len(matching) != 1:
        raise _ambiguous(selector, matching) if matching else _unknown(selector, known)
    if not (gone_too or matching[0].is_there):
        raise _gone(matching[0])
    return matching[0].place


def named(name: str) -> list[Entry]:
    """Returns the user's sweeps of this name, newest first; those whose directories are gone come last."""
    found = [entry for entry in entries() if entry.name == name]
    return sorted(found, key=lambda entry: not entry.is_there)


def follow(place: Path) -> None:
    """Notes where sweeps of the user's list were moved to; one that is not on it stays off it."""
    try:
        for paths in sweeps_in(SweepPaths(SweepPaths.at(place).root)):
            record = read_record(paths)
            listed = _read(_folder() / f"{record.id}.json")
            if listed and listed.dir != paths.root and not listed.is_there:
                remember(record, paths.root)
    except (OSError, StoreError, VersionMismatch):
        return


def _latest(known: list[Entry]) -> Path:
    for entry in known:
        if entry.is_there:
            return entry.place
    raise SweepNotFound(
        "you have no sweeps yet", fix="python train.py -m hydra/launcher=hsm_local lr=0.1,0.01"
    )


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
    return sweep_root(path.absolute()) if path.exists() else None


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
    if path.exists():
        return _no_sweep(path)
    names = ["latest", *(word for entry in known for word in (entry.id, entry.name))]
    near = difflib.get_close_matches(selector, names, n=1)
    return SweepNotFound(
        f"no sweep fits '{selector}'", evidence=f"{counted(len(known), 'sweep')} in {_folder()}",
        fix=f"hsm-status {quoted(near[0])}" if near else "hsm-status    # lists your sweeps",
        instead=(selector, near[0]) if near else None,
    )  # fmt: skip


def _no_sweep(path: Path) -> SweepNotFound:
    """Returns the error for a path that exists: it has sweeps in it, or is Hydra's own, or something else.

    Args:
        path: neither a sweep nor a place in one.
    """
    below = _sweeps_below(path)
    if below:
        lines = "".join(f"\n    {root}" for root in below[:10])
        return SweepNotFound(
            f"{path} is not a sweep, but contains {len(below)}:{lines}", fix=f"hsm-status {quoted(str(below[0]))}",
            instead=(str(path), str(below[0])),
        )  # fmt: skip
    what = _of_hydra(path)
    if what:
        return SweepNotFound(
            f"{path} is {what}, run without an hsm launcher, so hsm knows nothing of its tasks",
            evidence=f"there is no {SweepPaths(path).record}",
            fix="add hydra/launcher=hsm_local to its command line and run it again",
        )
    return SweepNotFound(
        f"{path} is not a sweep", evidence=f"there is no {SweepPaths(path).record}",
        fix="hsm-status    # lists your sweeps",
    )  # fmt: skip


def _sweeps_below(path: Path) -> list[Path]:
    """Returns the sweeps below a directory such as ``multirun/`` or ``multirun/2026-11-28``, newest first."""
    places = [place for depth in ("*", "*/*") for place in path.glob(depth)]
    return sorted((place for place in places if SweepPaths(place).record.is_file()), reverse=True)


def _of_hydra(path: Path) -> str:
    """Says which of Hydra's own directories this is; empty if it is none of them."""
    if (path / "multirun.yaml").is_file():
        return "a plain Hydra multirun"
    if (path / ".hydra").is_dir():
        is_job = (path.parent / "multirun.yaml").is_file()
        return "a job of a plain Hydra multirun" if is_job else "a plain Hydra run"
    is_above = any(next(path.glob(f"{depth}/multirun.yaml"), None) for depth in ("*", "*/*"))
    return "a directory of plain Hydra multiruns" if is_above else ""


def _folder() -> Path:
    return state_home() / "sweeps"


def _read(path: Path) -> Entry | None:
    try:
        found = read_json(path)
        words = parsing.text(found["name"]), Path(parsing.path(found["dir"])), parsing.text(found["created"])
        return Entry(parsing.identifier(found["id"]), *words)
    except (OSError, ValueError, KeyError):
        return None

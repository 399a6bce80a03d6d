"""Remembers where the user's sweeps are, so that they are found from anywhere."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from hsm_core import parsing
from hsm_core.errors import StoreError, SweepNotFound, VersionMismatch
from hsm_core.model import counted
from hsm_core.overrides import quoted
from hsm_core.safe_open import make_directory, read_own

from .earlier_sweeps import sweeps_in
from .files import read_json, read_own_json, to_json, write_atomically
from .layout import SweepPaths, state_home
from .ownership.sweep_root import sweep_root
from .record import SweepRecord, read_record


@dataclass(frozen=True)
class Entry:
    """A sweep that the user started.

    Args:
        record: SHA-256 of the bytes of its record.
    """

    id: str
    name: str
    dir: Path
    created: str
    record: str = ""

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
    """Puts a sweep on the user's list, with what its record has in it: nothing else with its id is it.

    Raises:
        OSError: the state directory can't be written, or the record read.
        StoreError: the record is somebody else's.
    """
    folder = _folder()
    make_directory(folder, 0o700)
    digest = _digest(read_own(SweepPaths(root).record))
    content = {
        "id": record.id, "name": record.name, "dir": str(root), "created": record.created, "record": digest,
    }  # fmt: skip
    write_atomically(_file(record.id), to_json(content))


def is_listed(record: bytes) -> bool:
    """Returns whether the user's list has a sweep with exactly this record."""
    try:
        identifier = parsing.identifier(parsing.table(parsing.loads(record))["id"])
    except (ValueError, KeyError):
        return False
    listed = _listed(identifier)
    return listed is not None and listed.record == _digest(record)


def forget(identifier: str) -> None:
    """Takes a sweep off the list; nothing of the sweep itself is deleted."""
    _file(identifier).unlink(missing_ok=True)


def entries() -> list[Entry]:
    """Returns the user's sweeps, newest first."""
    try:
        names = [
            name for name in os.listdir(_folder()) if name.endswith(".json") and not name.startswith(".")
        ]
    except (FileNotFoundError, PermissionError):
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
    is_path = "/" in selector or selector in (".", "..", "~")  # else a name first, whatever lies here
    exact = [entry for entry in known if entry.id == selector]
    matching = [] if is_path else exact or named(selector)[:1] or _begun(known, selector)
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


def named(name: str) -> list[Entry]:
    """Returns the user's sweeps of this name, newest first; those whose directories are gone come last."""
    found = [entry for entry in entries() if entry.name == name]
    return sorted(found, key=lambda entry: not entry.is_there)


def follow(place: Path) -> None:
    """Notes where sweeps of the user's list were moved to; one that is not on it, or was changed, stays off it."""
    try:
        for paths in sweeps_in(SweepPaths(SweepPaths.at(place).root)):
            record = read_record(paths)
            listed = _listed(record.id)
            if listed and listed.dir != paths.root and not listed.is_there and is_listed(read_own(paths.record)):
                write_atomically(_file(record.id), to_json({**asdict(listed), "dir": str(paths.root)}))
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
    return sweep_root(path.absolute(), typed=True) if path.exists() else None


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
    if os.sep in selector or selector == "~":
        was = next((entry for entry in known if entry.dir == path.absolute()), None)
        return _gone(was) if was else _no_path(path, selector)
    names = ["latest", *(word for entry in known for word in (entry.id, entry.name))]
    near = difflib.get_close_matches(selector, names, n=1)
    return SweepNotFound(
        f"no sweep fits '{selector}'",
        evidence=f"{counted(len(known), 'sweep')} in {_folder()}, none with this id or name; no such path either",
        fix=f"hsm-status {quoted(near[0])}" if near else "hsm-status    # lists your sweeps",
        instead=(selector, near[0]) if near else None,
    )  # fmt: skip


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


def _digest(record: bytes) -> str:
    from hashlib import sha256  # looking needs none, and it loads OpenSSL

    return sha256(record).hexdigest()


def _folder() -> Path:
    return state_home() / "sweeps"


def _file(identifier: str) -> Path:
    return _folder() / f"{identifier}.json"


def _listed(identifier: str) -> Entry | None:
    return _read(_file(identifier))


def _read(path: Path) -> Entry | None:
    try:
        found = read_own_json(path)
        identifier = parsing.identifier(found["id"])
        words = parsing.text(found["name"]), Path(parsing.path(found["dir"])), parsing.text(found["created"])
        return Entry(identifier, *words, parsing.text(found.get("record", ""))) if identifier == path.stem else None
    except (OSError, StoreError, ValueError, KeyError):
        return None

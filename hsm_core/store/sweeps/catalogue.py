"""Remembers where the user's sweeps are, so that they are found from anywhere."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from hsm_core import parsing
from hsm_core.errors import StoreError, VersionMismatch
from hsm_core.safe_open import make_directory, read_own

from ..files import read_json, read_own_json, to_json, write_atomically
from ..layout import SweepPaths, state_home
from ..record import SweepRecord, read_record
from .earlier_sweeps import sweeps_in


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
        return aside.place if os.path.isfile(aside.record) else self.dir

    @property
    def is_there(self) -> bool:
        """True if it was neither moved nor deleted since it was last seen."""
        return os.path.isfile(SweepPaths.at(self.place).record) and not self.replaced_by

    @property
    def replaced_by(self) -> str:
        """The id of a sweep that took over its directory after that had been deleted; empty if none did."""
        if os.path.isfile(SweepPaths(self.dir, self.id).record):
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
    make_state_home()
    make_directory(folder(), 0o700)
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


def named_record(paths: SweepPaths, typed: str = "") -> SweepRecord:
    """Reads a sweep's record; where the user's list does not lead from its id to here, lines to copy name its place.

    Args:
        typed: the path that the user typed for it.

    Raises:
        StoreError, VersionMismatch: see ``read_record``.
    """
    record = read_record(paths)
    listed = _listed(record.id)
    if listed is not None and (listed.place == paths.place or _is_same(listed.place, paths.place)):
        return record
    return replace(record, found_as=typed or str(paths.place))


def original_of(paths: SweepPaths, record: SweepRecord) -> Path | None:
    """Returns the directory that a sweep was copied from, if it is still there: what ran then, runs there."""
    listed = _listed(record.id)
    places = [Path(record.dir), *([listed.dir] if listed else [])]  # the second: where it was moved to
    return next((place for place in places if _is_copied_from(place, paths, record.id)), None)


def _is_copied_from(place: Path, paths: SweepPaths, identifier: str) -> bool:
    original = SweepPaths(place, paths.earlier)
    if original.root == paths.root:
        return False
    try:
        there, here = os.stat(original.record), os.stat(paths.record)
        return there.st_ino != here.st_ino and parsing.identifier(read_json(original.record)["id"]) == identifier
    except (OSError, StoreError, ValueError, KeyError):
        return False


def adopt(paths: SweepPaths) -> None:
    """Puts a sweep that its user goes on with on the list, unless its id is another one's there.

    Raises:
        StoreError, VersionMismatch: see ``read_record``; or the record is somebody else's.
    """
    record = read_record(paths)
    listed = _listed(record.id)
    if listed is None or not listed.is_there:
        with suppress(OSError):  # then its path is its name
            remember(record, paths.root)


def forget(identifier: str) -> None:
    """Takes a sweep off the list; nothing of the sweep itself is deleted."""
    _file(identifier).unlink(missing_ok=True)


def entries() -> list[Entry]:
    """Returns the user's sweeps, newest first."""
    try:
        names = [
            name for name in os.listdir(folder()) if name.endswith(".json") and not name.startswith(".")
        ]
    except (FileNotFoundError, PermissionError):
        return []
    found = [entry for name in names if (entry := _read(folder() / name))]
    return sorted(found, key=lambda entry: (entry.created, entry.id), reverse=True)


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


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _digest(record: bytes) -> str:
    from hashlib import sha256  # looking needs none, and it loads OpenSSL

    return sha256(record).hexdigest()


def make_state_home() -> None:
    """Makes the user's state directory.

    Raises:
        OSError: the disk refuses.
        NotOwn: it is somebody else's.
    """
    make_directory(state_home(), 0o700, "export XDG_STATE_HOME=DIRECTORY    # one of your own")


def folder() -> Path:
    """Returns where the list lies."""
    return state_home() / "sweeps"


def _file(identifier: str) -> Path:
    return folder() / f"{identifier}.json"


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

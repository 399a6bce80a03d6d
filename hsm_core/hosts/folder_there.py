"""Runs on a host, by itself: compares a folder with the files that are wanted, and makes one of them.

Standard library only: its source is sent along with each question, see ``installing.py``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

#: By a file's name its hash, and whether it can be executed.
Wanted = dict[str, tuple[str, bool]]
#: Other folders of a store that are looked through, the newest first; files that an answer names.
_MOST_FOLDERS, _MOST_NAMES = 8, 20


def main(call: str, *folders: str) -> None:
    """Answers one question about the files (name, hash, whether they can be executed) that standard input names."""
    wanted = {name: (digest, runs) for name, digest, runs in json.load(sys.stdin)}
    calls: dict[str, Callable[..., str]] = {"look": look, "finish": finish, "compare": compare}
    print(calls[call](wanted, *folders))


def look(wanted: Wanted, final: str, part: str) -> str:
    """Returns what a folder is: ``ready``, ``damaged: NAME``, or, where it is not there, what must be sent for it.

    Args:
        part: where it is made; what other folders beside it hold already, is copied to there.
    """
    if os.path.isdir(final):
        return _said_of(final, wanted)
    os.makedirs(part, 0o700, exist_ok=True)  # there may be no files
    missing = dict(wanted)
    for folder in _others(os.path.dirname(final)):
        for name in [name for name in missing if _is_same(os.path.join(folder, name), missing[name][0])]:
            with suppress(OSError):  # then it is sent
                _copy(os.path.join(folder, name), os.path.join(part, name))
                del missing[name]
    return json.dumps({"missing": list(missing)})


def finish(wanted: Wanted, final: str, part: str) -> str:
    """Gives a folder that is whole its name, and makes it read-only; if the name is taken meanwhile, leaves that."""
    said = _said_of(part, wanted)
    if said == "ready":
        for top, _, names in os.walk(part, topdown=False):
            for name in names:
                path = os.path.join(top, name)
                os.chmod(path, 0o500 if wanted[os.path.relpath(path, part)][1] else 0o400)
            if top != part:
                os.chmod(top, 0o500)
        try:
            os.rename(part, final)
            os.chmod(final, 0o500)
        except OSError:
            said = _said_of(final, wanted) if os.path.isdir(final) else "absent"
    return said


def compare(wanted: Wanted, folder: str) -> str:
    """Returns which of the wanted files a folder lacks, and which are others there; there may be more files."""
    gone = [name for name in wanted if not os.path.isfile(os.path.join(folder, name))]
    absent = set(gone)
    here = (name for name in wanted if name not in absent)
    other = [name for name in here if _hash(os.path.join(folder, name)) != wanted[name][0]]
    counts = {"gone": len(gone), "changed": len(other)}
    return json.dumps({"names": (gone + other)[:_MOST_NAMES], **counts})


def _others(store: str) -> list[str]:
    folders = [entry for entry in os.scandir(store) if entry.is_dir(follow_symlinks=False)]
    whole = [entry for entry in folders if not entry.name.endswith(".tmp")]
    return [entry.path for entry in sorted(whole, key=lambda entry: -entry.stat().st_mtime)[:_MOST_FOLDERS]]


def _copy(path: str, target: str) -> None:
    """Copies a file; a link to it would be one file in two folders, and a change of it a change of both."""
    os.makedirs(os.path.dirname(target), 0o700, exist_ok=True)
    shutil.copyfile(path, target)
    os.chmod(target, 0o600)


def _said_of(folder: str, wanted: Wanted) -> str:
    name = _wrong(folder, wanted)
    return "ready" if name is None else "damaged: " + ascii(name)


def _wrong(folder: str, wanted: Wanted) -> str | None:
    for name in sorted(set(_names(folder)) ^ set(wanted)):
        if name in wanted or "__pycache__" not in name.split(os.sep):  # what Python adds where it may write
            return name
    return next((name for name in sorted(wanted) if not _is_same(os.path.join(folder, name), wanted[name][0])), None)


def _names(folder: str) -> Iterator[str]:
    for top, folders, names in os.walk(folder):
        for name in names + [one for one in folders if os.path.islink(os.path.join(top, one))]:
            yield os.path.relpath(os.path.join(top, name), folder)


def _is_same(path: str, digest: str) -> bool:
    return not os.path.islink(path) and _hash(path) == digest


def _hash(path: str) -> str:
    """Returns the hash of a file; nothing if there is none that can be read."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError:
        return ""
    return digest.hexdigest()


if __name__ == "__main__":
    main(*sys.argv[1:])

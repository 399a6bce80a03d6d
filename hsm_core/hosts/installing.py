"""Puts files on a host under the name of their content: complete, verified and read-only, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from hsm_core.errors import BackendError

from .interface import Host

_CHECK_S = 600.0
_REMOVE = 'chmod -R u+w "$1" 2>/dev/null; rm -rf "$1"'
#: Reads the wanted files (name, hash) from its input; says "absent", "damaged: NAME" or "ready" of the folder.
#: A second one is checked, made read-only and given the folder's name; if that is taken meanwhile, it is left alone.
_SCRIPT = """
import hashlib, json, os, sys
final, wanted = sys.argv[1], dict(json.load(sys.stdin))
def hash_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
def wrong(folder):
    found = {os.path.relpath(os.path.join(top, name), folder)
             for top, folders, names in os.walk(folder)
             for name in names + [one for one in folders if os.path.islink(os.path.join(top, one))]}
    for name in sorted(found ^ set(wanted)):
        if name in wanted or "__pycache__" not in name.split(os.sep):  # what Python adds where it may write
            return name
    for name in sorted(wanted):
        path = os.path.join(folder, name)
        if os.path.islink(path) or hash_of(path) != wanted[name]:
            return name
def say(folder):
    name = wrong(folder)
    return "ready" if name is None else "damaged: " + ascii(name)
if len(sys.argv) == 2:
    print(say(final) if os.path.isdir(final) else "absent")
    sys.exit()
part = sys.argv[2]
os.makedirs(part, 0o700, exist_ok=True)  # there may be no files
said = say(part)
if said == "ready":
    for top, folders, names in os.walk(part, topdown=False):
        for name in names:
            path = os.path.join(top, name)
            os.chmod(path, 0o500 if os.stat(path).st_mode & 0o100 else 0o400)
        if top != part:
            os.chmod(top, 0o500)
    try:
        os.rename(part, final)
        os.chmod(final, 0o500)
    except OSError:
        said = say(final) if os.path.isdir(final) else "absent"
print(said)
"""


def hashes_of(files: Mapping[Path, Path]) -> dict[str, str]:
    """Returns the SHA-256 of each file's content, in hexadecimal, by the file's name in the folder."""
    return {str(name): _hash(path) for name, path in files.items()}


def content_name(files: Mapping[Path, Path], hashes: Mapping[str, str]) -> str:
    """Returns the name that a set of files has by its content, its names and which of them can be executed."""
    rows = [[str(name), hashes[str(name)], bool(path.stat().st_mode & 0o100)] for name, path in files.items()]
    return hashlib.sha256(json.dumps(sorted(rows)).encode()).hexdigest()[:32]


def install(host: Host, files: Mapping[Path, Path], store: Path, python: str) -> Path:
    """Returns the folder on a host that holds these files and no others; copies them unless they are there already.

    Args:
        files: paths here, by their names in the folder; regular files.
        store: the folder there that holds such folders.
        python: an interpreter of the host, 3.8 or later.

    Raises:
        BackendError: they did not arrive as they are, or somebody has changed them there since.
        OSError: a file can't be read or copied; the host can't be asked.
    """
    for name in files:
        if name.is_absolute() or ".." in name.parts or not name.parts:
            raise ValueError(f"{name} leads out of the folder")
    hashes = hashes_of(files)
    final = store / content_name(files, hashes)
    wanted = json.dumps(list(hashes.items())).encode()
    said = _ask(host, python, wanted, final)
    if said == "absent":
        part = store / f"{final.name}.{os.urandom(6).hex()}.tmp"
        try:
            host.push({path: part / name for name, path in files.items()})
            said = _ask(host, python, wanted, final, part)
        finally:  # it has its name, or is in nobody's way
            host.run(["sh", "-c", _REMOVE, "sh", str(part)], _CHECK_S)
    if said != "ready":
        there = shlex.quote(str(final))
        raise BackendError(
            f"the files of this sweep are not on {host.name} as they are here", evidence=f"{final}: {said}",
            fix=f"chmod -R u+w {there}; rm -r {there}    # on {host.name}, once none of its sweeps runs",
        )  # fmt: skip
    return final


def _ask(host: Host, python: str, wanted: bytes, *folders: Path) -> str:
    done = host.run([python, "-I", "-c", _SCRIPT, *map(str, folders)], _CHECK_S, stdin=wanted)
    if done.code != 0:
        raise BackendError(f"the files that were sent to {host.name} can't be checked there", evidence=done.evidence)
    return done.out.strip()


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()

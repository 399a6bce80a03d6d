"""Puts files on a host under the name of their content: complete, verified and read-only, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hsm_core import parsing
from hsm_core.errors import BackendError
from hsm_core.overrides import quoted

from .interface import Host

_CHECK_S = 600.0
_REMOVE = 'chmod -R u+w "$1" 2>/dev/null; rm -rf "$1"'
#: What a host is asked with, see there.
_PROGRAM = "folder_there.py"
_COMPARED: parsing.Kinds = {"names": parsing.texts, "gone": parsing.whole, "changed": parsing.whole}


def hashes_of(files: Mapping[Path, Path]) -> dict[str, str]:
    """Returns the SHA-256 of each file's content, in hexadecimal, by the file's name in the folder."""
    return {str(name): _hash(path) for name, path in files.items()}


def content_name(files: Mapping[Path, Path], hashes: Mapping[str, str]) -> str:
    """Returns the name that a set of files has by its content, its names and which of them can be executed."""
    return hashlib.sha256(json.dumps(sorted(_rows(files, hashes))).encode()).hexdigest()[:32]


def install(host: Host, files: Mapping[Path, Path], store: Path, python: str) -> Path:
    """Returns the folder on a host that holds these files and no others; makes it unless it is there already.

    Only those are sent that no folder beside it holds under the same name: snapshots that follow each other differ
    in few files.

    Args:
        files: paths here, by their names in the folder; regular files.
        store: the folder there that holds such folders.
        python: an interpreter of the host.

    Raises:
        BackendError: they did not arrive as they are, or somebody has changed them there since.
        OSError: a file can't be read or copied; the host can't be asked.
    """
    for name in files:
        if name.is_absolute() or ".." in name.parts or not name.parts:
            raise ValueError(f"{name} leads out of the folder")
    hashes = hashes_of(files)
    final = store / content_name(files, hashes)
    rows = _rows(files, hashes)
    part = store / f"{final.name}.{os.urandom(6).hex()}.tmp"
    said = _ask(host, python, rows, "look", final, part)
    if said.startswith("{"):
        try:
            host.push({files[name]: part / name for name in _missing(host, said, files)})
            said = _ask(host, python, rows, "finish", final, part)
        finally:  # it has its name, or is in nobody's way
            host.run(["sh", "-c", _REMOVE, "sh", str(part)], _CHECK_S)
    if said != "ready":
        there = quoted(str(final))
        raise BackendError(
            f"the files of this sweep are not on {host.name} as they are here", evidence=f"{final}: {said}",
            fix=f"chmod -R u+w {there}; rm -r {there}    # on {host.name}, once none of its sweeps runs",
        )  # fmt: skip
    return final


@dataclass(frozen=True)
class Comparison:
    """Says how a folder of a host differs from files here.

    Args:
        names: of some files that it lacks, or has otherwise.
        gone, changed: how many it lacks, how many are others.
    """

    names: tuple[str, ...]
    gone: int
    changed: int


def compare(host: Host, files: Mapping[Path, Path], folder: Path, python: str) -> Comparison:
    """Compares the content of files with those of a folder on a host; there may be more.

    Args:
        files: paths here, by their names in the folder.
        python: an interpreter of the host.

    Raises:
        BackendError: the host does not say it.
        OSError: a file can't be read; the host can't be asked.
    """
    said = _ask(host, python, _rows(files, hashes_of(files)), "compare", folder)
    try:
        return Comparison(**parsing.fields(parsing.table(json.loads(said)), _COMPARED))
    except (ValueError, TypeError, RecursionError) as error:
        raise BackendError(f"{host.name} does not say how {folder} differs", evidence=str(error)) from error


def _rows(files: Mapping[Path, Path], hashes: Mapping[str, str]) -> list[tuple[str, str, bool]]:
    return [(str(name), hashes[str(name)], bool(path.stat().st_mode & 0o100)) for name, path in files.items()]


def _missing(host: Host, said: str, files: Mapping[Path, Path]) -> list[Path]:
    """Returns the files that a host asks for; those alone are sent that it was told of."""
    try:
        names = parsing.texts(parsing.table(json.loads(said))["missing"])
    except (ValueError, KeyError, RecursionError) as error:
        raise BackendError(f"{host.name} does not say which files it lacks", evidence=str(error)) from error
    wanted = set(names)
    return [name for name in files if str(name) in wanted]


def _ask(host: Host, python: str, rows: Sequence[tuple[str, str, bool]], call: str, *folders: Path) -> str:
    program = Path(__file__).with_name(_PROGRAM).read_text(encoding="utf-8")
    argv = [python, "-I", "-c", program, call, *map(str, folders)]
    done = host.run(argv, _CHECK_S, stdin=json.dumps(rows).encode())
    if done.code != 0:
        raise BackendError(f"the files that were sent to {host.name} can't be checked there", evidence=done.evidence)
    return done.out.strip()


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()

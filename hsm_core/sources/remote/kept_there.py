"""Lists what sweeps have left on a machine behind SSH, and removes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hsm_core import parsing
from hsm_core.errors import BackendError
from hsm_core.hosts.interface import Host
from hsm_core.hosts.mirror import is_here
from hsm_core.store.event_codec import from_line
from hsm_core.store.events import WorkerHead

from .worker_words import is_result

What = Literal["sweep", "code", "program"]
#: Where each kind lies in hsm's folder there.
_FOLDERS: dict[What, str] = {"sweep": "sweeps", "code": "code", "program": "worker"}
_ASK_S, _REMOVE_S = 600.0, 3600.0
#: Prints a line of JSON for each folder: kind, name, bytes, seconds since it last changed, first lines of journals
#: that are not sealed, and of code and programs whether a sweep, or a process, names it. Links are not followed.
_SCRIPT = r"""
import glob, json, os, sys, time
top = sys.argv[1]
def names(folder):
    paths = sorted(glob.glob(os.path.join(glob.escape(top), folder, "*")))
    return [os.path.basename(one) for one in paths if os.path.isdir(one) and not os.path.islink(one)]
def text(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
def size_and_age(folder):
    size, newest = 0, os.lstat(folder).st_ctime
    for above, folders, files in os.walk(folder):
        for one in files:
            try:
                found = os.lstat(os.path.join(above, one))
            except OSError:
                continue
            size, newest = size + found.st_size, max(newest, found.st_mtime)
    return size, max(0, time.time() - newest)
boots = glob.glob(os.path.join(glob.escape(top), "sweeps", "*", ".hsm", "launch-*", "boot.json"))
used = b"".join(text(path) for path in boots + glob.glob("/proc/[0-9]*/cmdline"))
for kind, folder in (("sweep", "sweeps"), ("code", "code"), ("program", "worker")):
    for name in names(folder):
        path = os.path.join(top, folder, name)
        size, age = size_and_age(path)
        heads = []
        for journal in glob.glob(os.path.join(glob.escape(path), ".hsm", "events", "*.jsonl")):
            lines = text(journal).splitlines()
            if lines and b'"e":"seal"' not in lines[-1]:
                heads.append(lines[0].decode("utf-8", "replace"))
        is_used = kind != "sweep" and ("/" + folder + "/" + name).encode() in used
        print(json.dumps([kind, name, size, age, heads, is_used]))
"""
_REMOVE = 'chmod -R u+w "$1" 2>/dev/null; rm -rf "$1" && ! [ -e "$1" ]'


@dataclass(frozen=True)
class KeptThere:
    """A folder that hsm made on a machine.

    Args:
        size: its bytes.
        age_s: seconds since something in it changed, by the machine's clock.
        is_used: a process there works with it or, of code, a sweep that is still there.
    """

    what: What
    name: str
    size: int
    age_s: float
    is_used: bool


def kept_there(host: Host, folder: Path, python: str) -> list[KeptThere]:
    """Returns what lies in hsm's folder on a machine.

    Args:
        folder: see ``folder_there``.
        python: an interpreter of the machine.

    Raises:
        BackendError: the machine can't tell it.
        OSError: it can't be asked.
    """
    done = host.run([python, "-I", "-c", _SCRIPT, str(folder)], _ASK_S)
    if done.code != 0:
        raise BackendError(f"{host.name} does not say what lies in {folder}", evidence=done.evidence)
    try:
        return [_row(host, line) for line in done.out.splitlines()]
    except (ValueError, KeyError) as error:
        raise BackendError(f"{host.name} does not say what lies in {folder}", evidence=str(error)) from error


def not_here(host: Host, there: Path, here: Path, folders: Iterable[Path]) -> list[Path]:
    """Returns files of a sweep that are on a machine and not here with the same size and time.

    Args:
        there, here: the sweep's directory.
        folders: its tasks', relative to it; what lies beside them is of no task and never comes.

    Raises:
        OSError: the machine can't list them.
    """
    known = set(folders)
    found: list[Path] = []
    for one in host.files(there):
        folder = next((above for above in one.name.parents if above in known), None)
        if one.kind != "file" or one.name.parts[0] == ".hsm":
            continue
        inner = one if folder is None else replace(one, name=one.name.relative_to(folder))
        if folder is None or (is_result(inner) and not is_here(here / one.name, one)):
            found.append(one.name)
    return found


def remove(host: Host, folder: Path, kept: KeptThere) -> None:
    """Removes a folder of a machine.

    Raises:
        OSError: not all of it could be removed.
    """
    remove_folder(host, folder / _FOLDERS[kept.what] / kept.name)


def remove_folder(host: Host, path: Path) -> None:
    """Removes a folder of a machine, whatever is in it.

    Raises:
        OSError: not all of it could be removed.
    """
    done = host.run(["sh", "-c", _REMOVE, "sh", str(path)], _REMOVE_S)
    if done.code != 0:
        raise OSError(f"{path} on {host.name} can't be removed: {done.evidence}")


def _row(host: Host, line: str) -> KeptThere:
    kind, name, size, age, heads, is_used = parsing.items(parsing.loads(line.encode()))
    what = next((known for known in _FOLDERS if known == kind), None)
    text = parsing.text(name)
    if what is None or not text or "/" in text or text in (".", ".."):
        raise ValueError(f"{kind!r:.40} {text!r:.80} is no folder of hsm")
    lives = any(_lives(host, parsing.text(head)) for head in parsing.items(heads))
    return KeptThere(what, text, parsing.whole(size, 0), parsing.number(age), parsing.flag(is_used) or lives)


def _lives(host: Host, head: str) -> bool:
    """Returns whether a worker lives, or nobody knows."""
    try:
        event = from_line(head.encode())
    except (ValueError, KeyError):
        return True
    return not isinstance(event, WorkerHead) or host.evidence_of_death(event.process) is None

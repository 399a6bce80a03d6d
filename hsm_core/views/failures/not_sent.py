"""Notices that a task on another machine missed a file that is here, and says how it gets there."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from hsm_core.overrides import comment, hydra_text, quoted
from hsm_core.store.files import read_json
from hsm_core.store.state.sweep_state import SweepState

from .bigger_request import set_to

#: ``[Errno 2] No such file or directory: 'data/x.csv'``, ``data/x.npy not found.``
_NAMED = re.compile(r"'([^'\n]+)'|\"([^\"\n]+)\"|(\S+) not found")
_SAID = re.compile(r"FileNotFoundError|No such file or directory")
#: A file of the app on a host: its snapshot has a name of 32 digits there.
_IN_SNAPSHOT = re.compile(r".*/code/[0-9a-f]{32}/(.+)")


@dataclass(frozen=True)
class NotSent:
    """A file that is here and was not there.

    Args:
        remark: for the failure's message.
        line: what to type.
    """

    remark: str
    line: str


def not_sent(state: SweepState, number: int, read: str) -> NotSent | None:
    """Returns which file a failed task missed that is here; None if it ran here, or failed otherwise.

    Args:
        read: the line that shows most about the task.
    """
    end, node = state.end_of(number), state.node_of(number)
    if end is None or not any(one.kind == "host" and one.name == node for one in state.sources.values()):
        return None
    if not _SAID.search(f"{end.kind} {end.message}"):
        return None
    for named in _NAMED.findall(end.message):
        found = _missed(state, "".join(named), node, read)
        if found is not None:
            return found
    return None


def _missed(state: SweepState, path: str, node: str, read: str) -> NotSent | None:
    root = _root(state)
    inner = _IN_SNAPSHOT.fullmatch(path)
    here = os.path.normpath(os.path.join(root, inner[1]) if inner else os.path.join(state.record.cwd, path))
    if not root or "\0" in here or not os.path.exists(here):
        return None
    name, put_there = os.path.relpath(here, root), f"put it on {node} and its path there into the config"
    if os.path.isabs(path) and not inner:
        folder = hydra_text(os.path.dirname(path))
        line = quoted(f"hydra.launcher.path_map=[{{local:{folder},remote:/…}}]")
        return NotSent(f"; it is here, not on {node}", _with(line, f"where {node} has it, if the config names it"))
    if name.startswith("../"):
        told = f"it is here, outside the app's directory {root}, which alone is sent"
        return NotSent(f"; {told}", _with(read, put_there))
    if set_to(state.record, "code") in ("live", "verify"):
        return NotSent(f"; {here} is here, not on {node}", _with(read, f"copy {name} there, or {put_there}"))
    if any((snapshot / name).exists() for snapshot in _snapshots(state)):
        return None
    remark = f"; {name} is here, but not part of the snapshot that machines get"
    if os.path.exists(os.path.join(root, ".git")):
        line = f"git -C {quoted(root)} check-ignore -v {quoted(name)}"
        return NotSent(remark, _with(line, f"why it is not sent; or {put_there}"))
    why = f"{name} is hidden or in an output folder, and not sent: move it, or {put_there}"
    return NotSent(remark, _with(read, why))


def _with(line: str, remark: str) -> str:
    return f"{line}    {comment(remark)}"


def _root(state: SweepState) -> str:
    """Returns the app's directory when the sweep began; nothing if that is not known."""
    try:
        found = read_json(state.paths.first_code.code)["root"]
    except (OSError, ValueError, KeyError):
        return ""
    return found if isinstance(found, str) else ""


def _snapshots(state: SweepState) -> list[Path]:
    try:
        return list(state.paths.snapshots.iterdir())
    except OSError:
        return []

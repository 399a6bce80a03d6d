"""Writes down which code a sweep runs, and says what has changed since."""

from __future__ import annotations

import logging

from hsm_core.detect.code import changes, code_files, code_root, uncommitted, untracked
from hsm_core.detect.packages import requirements
from hsm_core.detect.snapshot import freeze
from hsm_core.store.files import read_json, to_json, write_atomically
from hsm_core.store.layout import SweepPaths

from .child_frozen import FrozenApp

log = logging.getLogger(__name__)


def record_code(paths: SweepPaths, cwd: str) -> None:
    """Write the hashes of the app's files, what git has not committed of them, and the packages around them.

    Raises:
        OSError: the disk refuses.
    """
    root = code_root(cwd)
    content = {"root": root, "files": code_files(root), "untracked": untracked(root)}
    write_atomically(paths.code, to_json(content))
    write_atomically(paths.requirements, "\n".join([*requirements(), ""]).encode())
    patch = uncommitted(root)
    if patch:
        write_atomically(paths.patch, patch)


def freeze_app(paths: SweepPaths, cwd: str) -> FrozenApp:
    """Freeze the app as it is now, into the sweep's own directory.

    Raises:
        ConfigError: it is too large.
        OSError: the disk refuses.
    """
    root = code_root(cwd)
    return FrozenApp(root, str(freeze(root, paths.snapshots)))


def warn_of_changes(paths: SweepPaths) -> None:
    """Name the files that differ from when the sweep began."""
    try:
        recorded = read_json(paths.code)
    except (OSError, ValueError):
        return
    found = changes(recorded["files"], code_files(recorded["root"]))
    if found:
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        log.warning("since the sweep began: %s%s", ", ".join(found[:5]), more)

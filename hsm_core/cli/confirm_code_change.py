"""Says what of an app has changed since its sweep began, before the sweep goes on with it."""

from __future__ import annotations

import os
import sys

import click

from hsm_core.detect.code import changes, code_files
from hsm_core.detect.origin import git_state
from hsm_core.errors import ConfigError
from hsm_core.overrides import joined
from hsm_core.store.files import read_json
from hsm_core.store.state.sweep_state import SweepState

from .terminal import remark


def agree_on_changes(state: SweepState) -> bool:
    """Ask whether to go on with files that have changed; False if there are none.

    Raises:
        ConfigError: there is no terminal to ask at.
    """
    found = _changes(state)
    if not found:
        return False
    more = [f"… {len(found) - 10} more"] if found[10:] else []
    told = "\n    ".join([f"the code has changed since {state.record.id} started:", *found[:10], *more])
    if not sys.stdin.isatty():
        raise ConfigError(told, fix=joined(["hsm", *sys.argv[1:], "--allow-changed"]))
    remark(told)
    click.confirm("continue with the changed code?", abort=True, err=True)
    return True


def _changes(state: SweepState) -> list[str]:
    """What differs; nothing where tasks run from the sweep's snapshot."""
    try:
        if read_json(state.paths.launch(0).boot)["frozen"]:
            return []
        recorded = read_json(state.paths.first_code.code)
    except FileNotFoundError:
        return []
    more = [folder for folder in recorded.get("more", ()) if os.path.isdir(folder)]
    found = changes(recorded["files"], code_files(recorded["root"], more))
    then, now = (
        str(git.get("commit", ""))[:12] for git in (recorded.get("git", {}), git_state(recorded["root"]))
    )
    return [f"commit {then} is now {now}", *found] if found and then != now else found

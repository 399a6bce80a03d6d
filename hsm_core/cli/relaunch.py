"""Starts the app of a sweep again, so that the sweep goes on: the command line for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from hsm_core.errors import ConfigError
from hsm_core.store.record import SweepRecord
from hsm_core.views.rerun import config_flags, is_of_sweeps


def relaunch_command(
    record: SweepRecord, root: Path, *, launcher: str | None, only: str | None, retry_failed: bool,
    settings: Sequence[str], force: bool,
) -> list[str]:  # fmt: skip
    """The argv that goes on with a sweep, to be run in ``record.cwd``.

    Args:
        root: where the sweep lies now.
        launcher: another one than the sweep began with.
        only: task numbers as in ``3,7-9``; None means all.
        settings: further overrides of Hydra, as typed.

    Raises:
        ConfigError: the sweep was not started from a command line.
    """
    main = [str(word) for word in record.app.get("main") or ()]
    if not main:
        raise ConfigError(
            f"{record.id} was not started from a command line, so hsm can't start its app again",
            fix="in your code: launch(Config, task, multirun=True, overrides="
            f"['hydra/launcher={record.launcher}', 'hydra.launcher.resume={record.id}'])",
        )  # fmt: skip
    chosen = launcher or record.launcher
    kept = [text for text in record.overrides.get("hydra", ()) if not is_of_sweeps(text)]
    if chosen == record.launcher:
        anew = {_key(text) for text in settings}
        kept += [text for text in record.launcher_fields if _key(text) not in anew]
    asked = [f"hydra/launcher={chosen}", "hydra/sweeper=hsm", f"hydra.sweep.dir={hydra_text(str(root))}"]
    asked += [f"hydra.launcher.resume={hydra_text(str(root))}"]
    asked += [f'hydra.launcher.only_tasks="{only}"'] if only else []
    asked += ["hydra.launcher.retry_failed=true"] if retry_failed else []
    asked += ["hydra.launcher.force=true"] if force else []
    return [*main, "-m", *config_flags(record.command), *kept, *asked, *settings]


def note_on_sweeper(record: SweepRecord) -> str:
    """What a resume can't do for a sweeper that makes tasks as it goes; empty for others."""
    if record.knows_all_tasks:
        return ""
    if record.sweeper == "basic":
        return "batches that 'basic' had not begun are not known, and not run"
    return f"the tasks that '{record.sweeper}' has issued are finished; its study is not continued"


def hydra_text(text: str) -> str:
    """Text in quotes, as Hydra's grammar of overrides reads it: backslashes count only before a quote."""
    escaped = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), text)
    return f"'{escaped}'"


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]

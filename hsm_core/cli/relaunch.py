"""Prepares the command line that resumes a sweep, by starting its app again: settings, environment, changed code."""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from hsm_core.detect.origin import changes_since, first_changes
from hsm_core.errors import ConfigError, HsmError
from hsm_core.model import HIDDEN, SYNONYMS
from hsm_core.overrides import hydra_text, is_kept_by_resume, joined, key_of, without_secrets
from hsm_core.schedulers.registry import all_systems
from hsm_core.settings import RESUMED_BY
from hsm_core.store.files import read_json, to_json, write_atomically
from hsm_core.store.record import SweepRecord
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.lines_to_copy.rerun import config_flags
from hsm_core.views.lines_to_copy.resume_lines import by_hand, why_by_hand

from .click_types import agree
from .terminal import remark
from .typed_settings import require_settings

#: Our own launchers by name; a project has more in ``hydra/launcher`` of its config directory.
OURS = ("hsm_hpc", "hsm_local", "hsm_pbs", "hsm_slurm", "hsm_sources", "hsm_ssh")
#: Launchers of others, which keep no record of a sweep.
_FOREIGN = ("basic", "joblib", "ray", "ray_aws", "rq", "submitit_local", "submitit_slurm")


def relaunch_command(
    record: SweepRecord, root: Path, *, launcher: str | None, only: str | None, retry_failed: bool,
    settings: Sequence[str], force: bool, allow_changed: bool = False,
) -> list[str]:  # fmt: skip
    """Returns the argv that resumes a sweep, to be run in ``record.cwd``.

    Args:
        root: where the sweep lies now.
        launcher: another one than the sweep began with.
        only: task numbers as in ``3,7-9``; None means all.
        settings: further overrides of Hydra, as typed; see ``require_changes``.

    Raises:
        ConfigError: the sweep was not started from a command line.
    """
    chosen = launcher or record.launcher
    asked = [f"hydra/launcher={chosen}", f"hydra.launcher.resume={hydra_text(str(root))}"]
    asked += [_only(only)] if only else []
    asked += ["hydra.launcher.retry_failed=true"] if retry_failed else []
    asked += ["hydra.launcher.force=true"] if force else []
    asked += ["hydra.launcher.allow_changed=true"] if allow_changed else []
    if not record.can_start_again:
        raise ConfigError(why_by_hand(record), fix=by_hand(record, [*asked, *settings]))
    kept = [text for text in record.overrides.get("hydra", ()) if is_kept_by_resume(text)]
    if chosen == record.launcher:
        anew = {name for text in settings for name in names_of(text)}
        kept += [text for text in record.launcher_fields if key_of(text) not in anew]
    _require_values(record, kept)
    place = ["hydra/sweeper=hsm", f"hydra.sweep.dir={hydra_text(str(root))}"]
    return record.command_with(["-m", *config_flags(record), *kept, *place, *asked, *settings])


def _require_values(record: SweepRecord, kept: Sequence[str]) -> None:
    hidden = [key_of(text) for text in kept if text.endswith(f"={HIDDEN}")]
    if hidden:
        raise ConfigError(
            f"{record.id} can't be resumed without the values that only its user can read",
            evidence=f"{', '.join(hidden)} in {record.dir}/.hsm/secrets.json",
            fix=joined(["hsm", "resume", record.selector, *_set(hidden)]),
        )


def _set(keys: Sequence[str]) -> Iterator[str]:
    for key in keys:
        yield from ("--set", f"{key}=VALUE")


def kept_private(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Takes the secrets out of a command line, which every user of the machine can see.

    Returns:
        The words, with references in place of secret values of Hydra's own settings; and the variables referred to.
    """
    found: dict[str, str] = {}
    shown = list(words)
    for number, word in enumerate(words):
        if key_of(word).startswith("hydra.") and without_secrets(word) != word:
            name, (head, _, value) = f"HSM_HIDDEN_{number}", word.partition("=")
            found[name] = value
            shown[number] = f"{head}='${{oc.decode:${{oc.env:{name}}}}}'"
    return shown, found


def relaunch_environment(record: SweepRecord) -> dict[str, str]:
    """Returns this shell's environment for the sweep's directory, with its PYTHONPATH unless this shell has one.

    What was typed comes along, for the lines that errors suggest.
    """
    recorded = str(record.app.get("pythonpath") or "")
    typed = json.dumps(sys.argv[1:])
    path = {"PYTHONPATH": recorded} if recorded else {}
    return {**path, **os.environ, "PWD": record.cwd, RESUMED_BY: typed}


def require_changes(state: SweepState, launcher: str | None, settings: Sequence[str]) -> None:
    """Refuses changes that a resumed sweep can't take.

    Raises:
        ConfigError: the launcher is not known, or a setting is none of Hydra's.
    """
    _require_launcher(state.record, launcher or state.record.launcher)
    require_settings(state, settings)
    for text in settings:
        if key_of(text) == "hydra/launcher" and "=" in text:
            _require_launcher(state.record, text.partition("=")[2])


def _require_launcher(record: SweepRecord, name: str) -> None:
    """Checks a launcher's name as far as that is possible without starting the app."""
    folder = str(record.app.get("config_dir") or "")
    presets = [path.stem for path in Path(folder, "hydra", "launcher").glob("*.yaml")] if folder else []
    known = sorted({*OURS, *presets, record.launcher})
    other_places = not os.path.isdir(folder) and not name.startswith("hsm_") and name not in _FOREIGN
    known = known if name in known else sorted({*known, *_of_packages()})
    if name not in known and not other_places:
        near = difflib.get_close_matches(name, known, n=1)
        raise ConfigError(
            f"the launcher '{name}' can't resume a sweep", evidence=f"there are: {', '.join(known)}",
            fix=f"--launcher {near[0] if near else 'hsm_local'}",
            instead=(name, near[0] if near else "hsm_local"),
        )  # fmt: skip


def _of_packages() -> set[str]:
    """Returns the launchers of other packages' schedulers, as they are usually called."""
    return {f"hsm_{system.name}" for system in all_systems()}


def app_elsewhere(state: SweepState) -> HsmError:
    """Returns the error for a sweep whose app can't be started where it was; it may lie elsewhere now."""
    record = state.record
    what = "is closed to you" if os.path.isdir(record.cwd) else "is gone"
    main = [os.path.basename(word) if os.path.isabs(word) else word for word in record.app.get("main") or ()]
    resume = f"hydra.launcher.resume={hydra_text(str(state.paths.root))}"
    words = [*main, "-m", f"hydra/launcher={record.launcher}", resume]
    return HsmError(
        f"{record.cwd}, where {record.id} was started, {what}",
        fix=f"{joined(words)}    # typed where its app lies now",
    )


def note_on_sweeper(record: SweepRecord) -> str:
    """Returns a note on what a resume can't do for a sweeper that makes tasks as it goes; empty for others."""
    if record.knows_all_tasks:
        return ""
    if record.sweeper == "basic":
        return "tasks of batches that had not started are unknown, so they do not run"
    return f"the tasks that '{record.sweeper}' has created run; its study does not continue"


def _only(numbers: str) -> str:
    """Returns the override for task numbers; only a comma needs quotes."""
    return f'hydra.launcher.only_tasks="{numbers}"' if "," in numbers else f"hydra.launcher.only_tasks={numbers}"


def names_of(override: str) -> tuple[str, ...]:
    """Returns the key of an override by all its names: a launcher's field may have two."""
    key = key_of(override)
    for pair in SYNONYMS:
        names = tuple(f"hydra.launcher.{name}" for name in pair)
        if key in names:
            return names
    return (key,)


def agree_on_changes(state: SweepState) -> bool:
    """Asks the user whether to continue with code that has changed; returns False if none has.

    Raises:
        ConfigError: there is no terminal to ask at.
        click.exceptions.Exit, click.Abort: the user does not want to.
    """
    told = told_changes(state)
    if not told:
        return False
    if not sys.stdin.isatty():
        raise ConfigError(told, fix=joined(["hsm", *sys.argv[1:], "--allow-changed"]))
    remark(told)
    agree("continue with the changed code?", "nothing was started")
    return True


def told_changes(state: SweepState) -> str:
    """Returns the text that tells how the code differs; empty if it doesn't, or a snapshot of it runs."""
    try:
        is_frozen = read_json(state.paths.launch(0).boot)["frozen"]
        found = [] if is_frozen else changes_since(read_json(state.paths.first_code.code))
    except FileNotFoundError:
        found = []
    return first_changes(state.record.id, found) if found else ""


def with_accepted(state: SweepState, settings: Sequence[str]) -> list[str]:
    """Returns settings as typed, after those that the scheduler accepted earlier in place of what it had refused.

    An earlier setting is left out if the user sets that field anew.
    """
    anew = {name for text in settings for name in names_of(text)}
    return [*(text for text in _accepted(state) if names_of(text)[0] not in anew), *settings]


def keep_accepted(state: SweepState, settings: Sequence[str]) -> None:
    """Records the launcher's fields among settings with which the scheduler accepted what it had refused before.

    Whoever resumes the sweep later uses them too.

    Raises:
        OSError: the disk refuses.
    """
    kept = [text for text in with_accepted(state, settings) if key_of(text).startswith("hydra.launcher.")]
    if kept:
        write_atomically(state.paths.mended, to_json({"settings": kept}))


def _accepted(state: SweepState) -> list[str]:
    try:
        return [str(text) for text in read_json(state.paths.mended)["settings"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []

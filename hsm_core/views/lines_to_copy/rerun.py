"""Writes the command line that runs one task of a sweep alone, in Hydra's RUN mode."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from hsm_core.errors import ConfigError
from hsm_core.model import HIDDEN, Task
from hsm_core.overrides import is_of_sweeps, is_secret, joined, joined_without_secrets, quoted
from hsm_core.store.record import SweepRecord

#: What a script is called that came from standard input or ``-c``, once it has a file.
_SAVED = "app.py"
_A_SHELLS_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_FLAGS = ("--config-name", "-cn", "--config-path", "-cp", "--config-dir", "-cd")


def rerun_line(record: SweepRecord, task: Task) -> str:
    """Returns a line to paste into a shell; empty if no line runs the task."""
    words = rerun_words(record, task)
    if not words:
        return ""
    path = str(record.app.get("pythonpath") or "")
    line = " ".join([*rerun_variables(record, path), joined_without_secrets(words)])
    return f"{change_directory(record.cwd)} && {line}" if record.cwd and not _is_here(record.cwd) else line


def require_line(record: SweepRecord, task: Task) -> None:
    """Requires that some line runs a task alone.

    Raises:
        ConfigError: the sweep was not started from a command line, or the script runs several functions,
            of which Hydra's command line can't choose one.
    """
    if not record.can_start_again:
        alone = saved_line(record, [*config_flags(record), *_alone(record, task)])
        raise ConfigError(
            f"no command runs a task of {record.id} alone: it was not started from a file",
            evidence=f"the overrides are {list(task.overrides)}",
            fix=alone if record.app.get("under_main") else "call your task function with these overrides",
        )
    if _runs_several(record):
        functions = " and ".join(record.app["functions"])
        raise ConfigError(
            f"{record.app['main'][-1]} runs {functions}; no command runs {record.app['function']} alone",
            fix=joined(["hsm", "retry", record.selector, "--task", str(task.number)]),
        )


def rerun_variables(record: SweepRecord, python_path: str) -> list[str]:
    """Returns ``NAME=value`` for the shell: those of ``hydra.launcher.env``, and PYTHONPATH unless it is set here."""
    more = {"PYTHONPATH": python_path} if python_path and "PYTHONPATH" not in os.environ else {}
    found: dict[str, str] = {**more, **(record.app.get("env") or {})}
    if all(map(_A_SHELLS_NAME.fullmatch, found)):
        return [f"{name}={_shown(name, value)}" for name, value in found.items()]
    return ["env", "--", *(quoted(f"{name}={value}") for name, value in found.items() if value != HIDDEN)]


def _shown(name: str, value: str) -> str:
    """Returns a variable's value; a secret is to be set in the shell, as lines are passed on and end in logs."""
    return f'"${{{name}:?}}"' if is_secret(name) or value == HIDDEN else quoted(value)


def change_directory(path: str) -> str:
    """Returns the ``cd`` for a path, which ``cd`` takes for no option."""
    return joined(["cd", *(["--"] if path.startswith("-") else []), path])


def rerun_words(record: SweepRecord, task: Task) -> list[str]:
    """Returns the same line as argv; empty when ``require_line`` would raise."""
    if _runs_several(record):
        return []
    return record.command_with([*config_flags(record), *_alone(record, task)])


def saved_line(record: SweepRecord, words: Sequence[str]) -> str:
    """Returns the line for a program that had no file, to be used once it is saved as one."""
    python = str(record.app.get("python") or "python")
    return f"{joined([python, _SAVED, *words])}    # first save the program as {_SAVED}"


def _alone(record: SweepRecord, task: Task) -> list[str]:
    hydra = [text for text in record.overrides.get("hydra", ()) if not is_of_sweeps(text)]
    return [*task.overrides, *hydra, "hydra.mode=RUN"]


def _runs_several(record: SweepRecord) -> bool:
    return len(record.app.get("functions") or ()) > 1


def config_flags(record: SweepRecord) -> Iterator[str]:
    """Yields the options of the sweep's command line that choose the config, such as ``--config-name``."""
    words = iter(record.app.get("argv") or ())
    for word in words:
        if word in _FLAGS:
            yield word
            yield from (value for value in (next(words, None),) if value is not None)
        elif word.startswith(tuple(f"{flag}=" for flag in _FLAGS)):
            yield word


def _is_here(directory: str) -> bool:
    try:
        return os.path.samefile(directory, os.curdir)
    except OSError:
        return False

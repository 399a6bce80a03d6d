"""The command line that runs one task of a sweep alone, in Hydra's RUN mode."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from hsm_core.model import Task
from hsm_core.overrides import joined, quoted
from hsm_core.store.record import SweepRecord

#: Hydra overrides that only mean something for a sweep; ``hydra.sweep`` covers ``hydra.sweeper``.
_OF_SWEEPS = ("hydra.sweep", "hydra.launcher", "hydra/launcher", "hydra/sweeper", "hydra.mode")
_FLAGS = ("--config-name", "-cn", "--config-path", "-cp", "--config-dir", "-cd")


def rerun_line(record: SweepRecord, task: Task) -> str:
    """A line to paste into a shell; empty if the sweep was not started from a command line."""
    words = rerun_words(record, task)
    if not words:
        return ""
    path = str(record.app.get("pythonpath") or "")
    line = f"PYTHONPATH={quoted(path)} " if path and "PYTHONPATH" not in os.environ else ""
    line += joined(words)
    return f"cd {quoted(record.cwd)} && {line}" if record.cwd and not _is_here(record.cwd) else line


def rerun_words(record: SweepRecord, task: Task) -> list[str]:
    """The same as argv; empty if the sweep was not started from a command line."""
    main = [str(word) for word in record.app.get("main") or ()]
    if not main:
        return []
    hydra = [text for text in record.overrides.get("hydra", ()) if not is_of_sweeps(text)]
    flags = [] if any(word.split("=")[0] in _FLAGS for word in main) else list(config_flags(record.command))
    return [*main, *flags, *task.overrides, *hydra, "hydra.mode=RUN"]


def is_of_sweeps(override: str) -> bool:
    """True for an override of Hydra that only means something for a sweep."""
    return override.lstrip("+~").startswith(_OF_SWEEPS)


def config_flags(command: Sequence[str]) -> Iterator[str]:
    """The options of a command line that say which config is meant."""
    words = iter(command)
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

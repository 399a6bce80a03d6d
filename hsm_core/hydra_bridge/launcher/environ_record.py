"""Finds out what an app has changed in its environment since it was started."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from hsm_core.detect.launch_group import of_groups

from ..task.environ import digest

_AT_START = Path("/proc/self/environ")
#: Variables of which a worker has its own.
_WORKERS = re.compile(r"HSM_.*|.*_(NUM|MAXIMUM)_THREADS")


def changed_variables(environ: Mapping[str, str]) -> dict[str, tuple[str | None, str]]:
    """Each with its value at the start, None if there was none, and a digest of its value in ``environ``.

    Nothing where that can't be told. New values may be secret, read from a file of the app's, and are not told.
    What a worker has its own of is left out: ranks, and libraries' numbers of threads.
    """
    start = _variables_at_start()
    names = sorted({*start, *environ} - {*of_groups(start)}) if start else []
    return {
        name: (start.get(name), digest(environ.get(name)))
        for name in names
        if start.get(name) != environ.get(name) and not _WORKERS.fullmatch(name)
    }


def _variables_at_start() -> dict[str, str]:
    """Empty where the system doesn't tell, and where the process wrote over them to set its title."""
    try:
        entries = _AT_START.read_bytes().removesuffix(b"\0").split(b"\0")
    except OSError:
        return {}
    if not all(b"=" in entry for entry in entries):
        return {}
    return dict(os.fsdecode(entry).partition("=")[::2] for entry in entries)

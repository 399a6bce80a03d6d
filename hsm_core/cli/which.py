"""Finds the sweep that is meant by what was typed."""

from __future__ import annotations

from pathlib import Path

from hsm_core.errors import SweepNotFound
from hsm_core.store import catalogue
from hsm_core.store.state import SweepState


def directory_of(selector: str) -> Path:
    """The directory of the sweep that is meant, by a scheduler's job id too.

    Raises:
        SweepNotFound: none, or several.
    """
    try:
        return catalogue.find(selector)
    except SweepNotFound as error:
        by_job = _by_native_id(selector)
        if by_job is None:
            raise error from None
        return by_job


def _by_native_id(selector: str) -> Path | None:
    """The newest sweep that was given this job id."""
    if not selector[:1].isdigit():
        return None
    for entry in catalogue.entries():
        if entry.dir.is_dir():
            state = SweepState(entry.dir)
            state.refresh()
            if any(str(line.get("native_id")) == selector for line in state.submissions):
                return entry.dir
    return None

"""Finds the sweep that is meant by what was typed."""

from __future__ import annotations

from pathlib import Path

from hsm_core.errors import BackendError, HsmError, StoreError, SweepNotFound, VersionMismatch
from hsm_core.overrides import quoted
from hsm_core.store import catalogue
from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import read_record
from hsm_core.store.state.sweep_state import SweepState

from .terminal import remark


def directory_of(selector: str) -> Path:
    """Returns the place (``SweepPaths.place``) of the sweep that is meant, also for a scheduler's job id.

    Raises:
        SweepNotFound: none, or several.
    """
    try:
        root = catalogue.find(selector)
        _require_readable(root)
        _say_which(selector, root)
        return root
    except SweepNotFound as error:
        by_job = _by_native_id(selector)
        if by_job is None:
            raise error from None
        return by_job


def _require_readable(place: Path) -> None:
    """Requires a record that can be read; a damaged sweep can be taken off the list.

    Raises:
        StoreError, VersionMismatch: its record is damaged or of another format, and the line for that.
    """
    try:
        read_record(SweepPaths.at(place))
    except (StoreError, VersionMismatch) as error:
        listed = next((entry.id for entry in catalogue.entries() if entry.place == place), "")
        forget = f"hsm forget {quoted(listed)} --force    # takes it off your list; its files stay" if listed else ""
        fix = error.fix if error.fix.startswith("pip ") else forget
        raise type(error)(error.problem, evidence=error.evidence, fix=fix) from error


def _say_which(selector: str, root: Path) -> None:
    """Says that there are other sweeps of this name: the name means the newest."""
    same = catalogue.named(selector)
    if len(same) > 1 and same[0].place == root:
        remark(f"{selector}: {same[0].id}, the newest of {len(same)} sweeps of this name")


def _by_native_id(selector: str) -> Path | None:
    """Returns the newest sweep that was given this job id."""
    if not selector[:1].isdigit():
        return None
    for entry in catalogue.entries():
        if any(_is_job(scheduler, native_id, selector) for scheduler, native_id in _jobs(entry.place)):
            return entry.place
    return None


def _jobs(place: Path) -> list[tuple[str, str]]:
    """Returns schedulers and ids of a sweep's jobs; none for a sweep that is gone or can't be read."""
    try:
        state = SweepState(place)
        state.refresh()
    except (HsmError, OSError):
        return []
    schedulers = {name: source.scheduler for name, source in state.sources.items()}
    return [(schedulers.get(one.source, one.source), one.native_id) for one in state.submissions if one.native_id]


def _is_job(scheduler: str, native_id: str, selector: str) -> bool:
    """Returns whether a job or an element of it is meant; ids of an unknown scheduler must match exactly."""
    from hsm_core.schedulers.registry import find_system

    try:
        return find_system(scheduler).is_job(native_id, selector)
    except BackendError:
        return native_id == selector

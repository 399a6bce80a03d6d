"""Finds the sweep that is meant by what was typed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from hsm_core.errors import BackendError, HsmError, StoreError, SweepNotFound, VersionMismatch
from hsm_core.overrides import quoted
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.sweeps import catalogue
from hsm_core.store.sweeps.selector import find_place

from .terminal import remark


def find_sweep(selector: str, *, to_act: bool = False) -> SweepState:
    """Returns the sweep that is meant, also for a scheduler's job id; ``refresh`` reads its events.

    Args:
        to_act: something will be done to it, so an older sweep than the newest is not meant by ``latest`` or a name.

    Raises:
        SweepNotFound: none, or several; or the one that is meant is gone.
        StoreError, VersionMismatch: see ``sweep_in``.
    """
    try:
        place = find_place(selector, say=None if to_act else remark)
    except SweepNotFound:
        by_job = _by_native_id(selector)
        if by_job is None:
            raise
        return by_job
    found = sweep_in(place, "" if selector.startswith("-") else selector)
    _say_which(selector, place)
    return found


def sweep_in(place: Path, typed: str = "") -> SweepState:
    """Returns the sweep in a place (``SweepPaths.place``); a damaged one can be taken off the list.

    Args:
        typed: see ``SweepState``.

    Raises:
        StoreError, VersionMismatch: its record is damaged or of another format, and the line for that.
    """
    try:
        return SweepState(place, typed)
    except (StoreError, VersionMismatch) as error:
        listed = next((entry.id for entry in catalogue.entries() if entry.place == place), "")
        forget = f"hsm forget {quoted(listed)} --force    # takes it off your list; its files stay" if listed else ""
        fix = error.fix if error.fix.startswith("pip ") else forget
        raise type(error)(error.problem, evidence=error.evidence, fix=fix) from error


def _say_which(selector: str, root: Path) -> None:
    """Says that there are other sweeps of this name: the name means the newest."""
    same = [entry for entry in catalogue.entries() if entry.name == selector]
    if len(same) > 1 and same[0].place == root:
        remark(f"{selector}: {same[0].id}, the newest of {len(same)} sweeps of this name")


def _by_native_id(selector: str) -> SweepState | None:
    """Returns the newest sweep that was given this job id; none that is gone or can't be read."""
    if not selector[:1].isdigit():
        return None
    for entry in catalogue.entries():
        with suppress(HsmError, OSError):
            state = SweepState(entry.place)
            state.refresh()
            if any(_is_job(scheduler, native_id, selector) for scheduler, native_id in _jobs(state)):
                return state
    return None


def _jobs(state: SweepState) -> list[tuple[str, str]]:
    """Returns schedulers and ids of a sweep's jobs."""
    schedulers = {name: source.scheduler for name, source in state.sources.items()}
    return [(schedulers.get(one.source, one.source), one.native_id) for one in state.submissions if one.native_id]


def _is_job(scheduler: str, native_id: str, selector: str) -> bool:
    """Returns whether a job or an element of it is meant; ids of an unknown scheduler must match exactly."""
    from hsm_core.schedulers.registry import find_system

    try:
        return find_system(scheduler).is_job(native_id, selector)
    except BackendError:
        return native_id == selector

"""Tells whether a sweep is still running, by what is alive."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from hsm_core.model import State
from hsm_core.store.events import ConductorHead
from hsm_core.store.state.sweep_state import SweepState

#: ``stopped``: tasks are left over or lost, or may not have been made, and nothing is alive that would run them.
Phase = Literal["running", "stopped", "cancelled", "completed", "finished"]


def phase_of(state: SweepState, counts: Counter[State]) -> Phase:
    """Returns ``completed`` if all tasks are; ``cancelled`` if all have ended, some by that; else ``finished``."""
    left = counts["pending"] + counts["lost"]
    if counts["running"] or counts["queued"]:
        return "running"
    if (left or not state.record.knows_all_tasks) and _is_conducted(state):
        return "running"
    if left or not state.total or _broke_off(state):
        return "stopped"
    if counts["cancelled"]:
        return "cancelled"
    return "completed" if counts["completed"] == state.total else "finished"


def _is_conducted(state: SweepState) -> bool:
    from hsm_core.store.lease import living_conductor

    return living_conductor(state.paths) is not None


def _broke_off(state: SweepState) -> bool:
    """Returns whether a sweeper that makes tasks as it goes may have had more to come when its conductor died.

    A conductor that ended in order had come to the end, or has said what is missing.
    """
    if state.record.knows_all_tasks:
        return False
    conductors = [writer for writer in state.writers.values() if isinstance(writer.head, ConductorHead)]
    return bool(conductors) and not any(writer.sealed for writer in conductors)

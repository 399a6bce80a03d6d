"""Takes a task's outcome from its directory where the worker died before it could tell."""

from __future__ import annotations

from typing import Any

from hsm_core.store import events
from hsm_core.store.outcomes import Owner, read_outcome
from hsm_core.store.state.sweep_state import SweepState


def adopted_end(state: SweepState, number: int) -> dict[str, Any] | None:
    """The ``end`` line that the outcome on disk stands for; None if there is none of the newest attempt.

    Args:
        number: a task that is running by its worker's last word.
    """
    files = state.task_directory(number)
    if files is None:
        return None
    outcome = read_outcome(files, Owner(state.record.id, number, state.tasks[number].attempt))
    return None if outcome is None else events.adopted(number, state.tasks[number].attempt, outcome)

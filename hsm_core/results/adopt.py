"""Takes a task's outcome from its directory where the worker died before it could tell."""

from __future__ import annotations

from typing import Any

from hsm_core.store import events
from hsm_core.store.files import read_json
from hsm_core.store.state import SweepState


def adopted_end(state: SweepState, number: int) -> dict[str, Any] | None:
    """The ``end`` line that the outcome on disk stands for; None if there is none of the newest attempt.

    Args:
        number: a task that is running by its worker's last word.
    """
    files = state.task_directory(number)
    if files is None:
        return None
    try:
        outcome = read_json(files.outcome)
    except (FileNotFoundError, ValueError):
        return None
    attempt = state.tasks[number].attempt
    if (
        outcome.get("task") != number
        or outcome.get("attempt") != attempt
        or outcome.get("state") == "running"
    ):
        return None
    return events.adopted(number, attempt, outcome)

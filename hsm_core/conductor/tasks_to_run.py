"""Which tasks a sweep that is gone on with still has to run."""

from __future__ import annotations

from collections.abc import Sequence

from hsm_core.store.state.sweep_state import SweepState


def resumable(state: SweepState, numbers: Sequence[int], *, failed_too: bool) -> list[tuple[int, int]]:
    """The tasks that are pending, cancelled or lost, each with the number of its next attempt."""
    found = []
    again = {"pending", "cancelled", "lost", *(["failed"] if failed_too else [])}
    for number in numbers:
        if state.state_of(number) in again:
            found.append((number, next_attempt(state, number)))
    return found


def next_attempt(state: SweepState, number: int) -> int:
    """The number of a task's next attempt; one that no worker and no job ever had does not count."""
    task = state.tasks.get(number)
    if task is None:
        return 1
    is_unused = task.state == "queued" and not state.is_gone(number)
    return task.attempt if is_unused else task.attempt + 1


def newest_attempt(state: SweepState, number: int) -> int:
    """The number of a task's newest attempt; 1 before there was any."""
    task = state.tasks.get(number)
    return task.attempt if task else 1

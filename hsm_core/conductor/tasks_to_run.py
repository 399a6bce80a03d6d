"""Tells which tasks a sweep still has to run: when it is gone on with, and when a machine has died."""

from __future__ import annotations

from collections.abc import Sequence

from hsm_core.sources.interface import Pair
from hsm_core.store.away.fences import fence
from hsm_core.store.state.jobs import ENDED_ITSELF
from hsm_core.store.state.sweep_state import SweepState

#: Attempts of a task after which the death of its machine leaves it lost: it may be what kills the machine.
MOST_TRIES = 3


def resumable(state: SweepState, numbers: Sequence[int], *, failed_too: bool) -> list[tuple[int, int]]:
    """The tasks that are pending, cancelled or lost, each with the number of its next attempt."""
    found = []
    again = {"pending", "cancelled", "lost", *(["failed"] if failed_too else [])}
    for number in numbers:
        if state.state_of(number) in again:
            found.append((number, next_attempt(state, number)))
    return found


def is_tried_again(state: SweepState, number: int) -> bool:
    """Returns whether a task is lost as its worker on another machine died, or ended it, by that machine's own word.

    No scheduler decides there whether a job runs again.
    """
    if state.state_of(number) != "lost":
        return False
    ended = state.ended_job(number)
    if ended is None:  # its worker's own word came before anything was heard of the worker's end
        return not state.tasks[number].is_given_up and _is_of_host(state, number)
    if ended.reason != "node":
        return False
    is_ours = ended.evidence.endswith(ENDED_ITSELF)  # we were away, which is no fault of the task
    return (is_ours or state.tasks[number].attempt < MOST_TRIES) and _is_of_host(state, number)


def _is_of_host(state: SweepState, number: int) -> bool:
    """Returns whether a task was given to a worker on another machine last."""
    key = state.jobs.key_of(number)
    names = (one.source for one in state.jobs.submissions() if key is not None and one.name == key[0])
    return any(name in state.sources and state.sources[name].kind == "host" for name in names)


def may_begin(state: SweepState, pair: Pair) -> bool:
    """Makes an attempt the only one of its task that counts; False: the end of the earlier one came first.

    Raises:
        OSError: the disk refuses.
    """
    number, attempt = pair
    known = state.tasks.get(number)
    if attempt < 2 or known is None or known.state in ("failed", "cancelled"):
        return True
    if known.state == "completed":
        return False
    return not _is_of_host(state, number) or fence(state.paths, number, attempt - 1)


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

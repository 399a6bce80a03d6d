"""Writes down who is proven dead: the conductor's word where a worker left none."""

from __future__ import annotations

from hsm_core.model import spans
from hsm_core.store import events
from hsm_core.store.event_codec import Event
from hsm_core.store.journal import JournalWriter
from hsm_core.store.outcomes import Owner, adopted_end, read_outcome
from hsm_core.store.state.jobs import JobWord
from hsm_core.store.state.sweep_state import SweepState


def write_losses(state: SweepState, journal: JournalWriter) -> bool:
    """A task whose worker or job is dead is lost, unless its outcome, complete on disk, says otherwise.

    Returns:
        True if anything was written.
    """
    gone: dict[JobWord, list[tuple[int, int]]] = {}
    found: list[Event] = []
    for number, task in state.tasks.items():
        if task.state not in ("queued", "running", "lost"):
            continue
        ended = state.unrecorded_end(number)
        if ended is not None and (task.is_given_up or (task.state == "lost" and ended.reason == "unknown")):
            continue  # the worker's own word says more
        is_dead = ended is not None or (task.state == "running" and state.state_of(number) == "lost")
        end = end_on_disk(state, number) if is_dead and task.state == "running" else None
        if end is not None:
            found.append(end)
        elif ended is not None:
            gone.setdefault(ended, []).append((number, task.attempt))
        elif is_dead:
            found.append(events.Lost(number, task.attempt, state.evidence_of(number)))
    found += [
        events.Gone(spans(pairs), word.state, word.reason, word.evidence, word.node) for word, pairs in gone.items()
    ]
    for event in found:
        journal.append(event)
    return bool(found)


def end_on_disk(state: SweepState, number: int) -> events.End | None:
    """The end that the outcome on disk stands for; None if there is none of the newest attempt.

    Args:
        number: a task that is running by its worker's last word.
    """
    files = state.task_directory(number)
    if files is None:
        return None
    owner = Owner(state.record.id, number, state.tasks[number].attempt)
    outcome = read_outcome(files, owner)
    return None if outcome is None else adopted_end(owner, outcome)

"""Takes tasks back that wait in a scheduler's queue, so that they can run elsewhere, and never in both places."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hsm_core.model import spans
from hsm_core.sources.interface import Pair
from hsm_core.store import events
from hsm_core.store.claims import seize_batch
from hsm_core.store.journal import JournalWriter
from hsm_core.store.state.jobs import Key
from hsm_core.store.state.sweep_state import SweepState


def take_back(
    state: SweepState, journal: JournalWriter, conductor: str, source: str, tasks: Collection[int], why: str
) -> list[Pair]:
    """Takes back those tasks of a queue that have not begun, batch by batch.

    A batch is claimed in the place of its job, which proves that no job begins it any more; its tasks go on as a next
    attempt. A batch of which another task is to stay is left alone.

    Args:
        source: the queue's name; it must share this machine's disk.
        conductor: the name of who takes.
        why: said in the sweep's log.

    Returns:
        Them, each with its next attempt.
    """
    taken: list[Pair] = []
    for (submission, number), pairs in _batches(state, source, tasks).items():
        if all(state.state_of(task) == "queued" and state.tasks[task].attempt == attempt for task, attempt in pairs):
            taken += pairs if seize_batch(state.paths, f"{submission}/{number}", conductor) else []
    if taken:
        journal.append(events.Gone(spans(taken), "lost", "launch", why))
        journal.sync()
        state.refresh()
    return [(task, attempt + 1) for task, attempt in taken]


def _batches(state: SweepState, source: str, tasks: Collection[int]) -> Mapping[Key, list[Pair]]:
    """The batches of these tasks in submissions that a queue has accepted, whole."""
    keys = {key for task in tasks if (key := state.jobs.key_of(task)) is not None}
    lines = {one.name: one for one in state.jobs.submissions() if one.source == source and one.native_id}
    found = {(name, number): list(lines[name].pairs_of(number)) for name, number in keys if name in lines}
    wanted = set(tasks)
    return {key: pairs for key, pairs in found.items() if {task for task, _ in pairs} <= wanted}

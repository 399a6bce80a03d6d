"""Tells what a sweep knows of a source at one moment: a call that may block takes that along, not the state."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hsm_core.model import ENDED, State
from hsm_core.store.state.jobs import Key, Pair, SubmissionState
from hsm_core.store.state.sweep_state import SweepState

#: Beats of silence after which a worker's job is asked about.
SILENT_BEATS = 3


@dataclass(frozen=True)
class Snapshot:
    """Immutable, so that a thread can read it while the sweep goes on.

    Args:
        lines: the source's submissions that were not refused, in the order in which they were made.
        open: its jobs of which a task has no last word.
        alive: those of them that have tasks which wait or run.
        begun: those of them of which a task has begun.
        unended: tasks that have not ended, wherever they are, and their states.
        heard: native ids of jobs in which a worker of ours began; whether it has spoken of late.
        dead: writers of submissions that are proven dead.
        busy: slots in use by living workers of a pool.
    """

    lines: tuple[SubmissionState, ...] = ()
    open: frozenset[Key] = frozenset()
    alive: frozenset[Key] = frozenset()
    begun: frozenset[Key] = frozenset()
    unended: Mapping[int, State] = field(default_factory=dict)
    heard: Mapping[str, bool] = field(default_factory=dict)
    dead: frozenset[str] = frozenset()
    busy: Mapping[str, int] = field(default_factory=dict)


def snapshot_of(state: SweepState, source: str, beat_s: float = 5.0) -> Snapshot:
    """Returns what the state knows of a source's jobs now; of a pool, what its workers hold.

    Args:
        source: its name.
        beat_s: seconds between two beats of a worker.
    """
    lines = tuple(replace(line) for line in state.jobs.submissions() if line.source == source)
    if not lines:
        return Snapshot(busy=_busy(state, source))
    names = {line.name for line in lines}
    found: set[Key] = set()
    alive: set[Key] = set()
    unended: dict[int, State] = {}
    for number, task in state.tasks.items():
        if task.state in ("completed", "failed", "cancelled"):
            continue
        key, known = state.jobs.key_of(number), state.state_of(number)
        if known not in ENDED:
            unended[number] = known
        if key is not None and key[0] in names:
            found.add(key)
            if known in ("queued", "running"):
                alive.add(key)
    begun = {
        key for line in lines for key, (number, _) in line.batches()
        if key in found and state.tasks[number].state != "queued"
    }  # fmt: skip
    dead = frozenset(line.by for line in lines if state.death_of(line.by))
    heard = _heard(state, beat_s)
    return Snapshot(lines, frozenset(found), frozenset(alive), frozenset(begun), unended, heard, dead)


def _busy(state: SweepState, source: str) -> dict[str, int]:
    """The slots that living workers of a pool use, or will, for tasks that they were given."""
    found: dict[str, int] = {}
    for line in state.jobs.of_pool(source):
        if state.death_of(line.native_id):
            continue
        held = sum(_is_alive(state, pair) for _, pair in line.batches())
        found[line.native_id] = found.get(line.native_id, 0) + held
    heads = {writer.name: writer.as_worker for writer in state.workers()}
    slots = {name: head.slots for name, head in heads.items() if head is not None}
    return {name: min(held, slots.get(name, held)) for name, held in found.items() if held}


def _is_alive(state: SweepState, pair: Pair) -> bool:
    number, attempt = pair
    known = state.tasks.get(number)
    return known is not None and known.attempt == attempt and state.state_of(number) in ("queued", "running")


def _heard(state: SweepState, beat_s: float) -> dict[str, bool]:
    """The jobs whose workers have spoken: whether of late, so that they live, whatever a queue knows of them."""
    since = time.monotonic() - SILENT_BEATS * beat_s
    return {
        worker.native_id:
        worker.heard_at > since and not worker.sealed and not state.death_of(worker.name)
        for worker in state.workers()
    }  # fmt: skip

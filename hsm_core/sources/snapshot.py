"""Tells what a sweep knows of a source at one moment: a call that may block takes that along, not the state."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from weakref import WeakKeyDictionary

from hsm_core.model import ENDED, State
from hsm_core.store.state.jobs import Key, Pair, SubmissionState
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.state.task_state import WriterState

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
        busy: slots in use by living workers of a pool or host.
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
    """Returns what the state knows of a source's jobs now; of a machine, what its workers hold.

    Args:
        source: its name.
        beat_s: seconds between two beats of a worker.
    """
    known = _known(state)
    own = known.of.get(source)
    if own is None:
        return Snapshot(busy=_busy(state, state.jobs.of_pool(source)))
    lines = tuple(replace(line) for line in own.lines)
    dead = frozenset(line.by for line in lines if state.death_of(line.by))
    heard = {**known.silent, **_heard(known.speaking, beat_s)}
    return Snapshot(lines, own.open, own.alive, own.begun, known.unended, heard, dead, own.busy)


class _Own(NamedTuple):
    """Of one source: its submissions, and the jobs that a ``Snapshot`` names."""

    lines: tuple[SubmissionState, ...]
    open: frozenset[Key]
    alive: frozenset[Key]
    begun: frozenset[Key]
    busy: Mapping[str, int]


class _Known(NamedTuple):
    """Holds what is the same for the snapshots of all sources until something new is known of the sweep."""

    version: int
    of: Mapping[str, _Own]
    unended: Mapping[int, State]
    silent: Mapping[str, bool]
    speaking: tuple[WriterState, ...]


_newest: WeakKeyDictionary[SweepState, _Known] = WeakKeyDictionary()


def _known(state: SweepState) -> _Known:
    found = _newest.get(state)
    if found is None or found.version != state.version:
        found = _newest[state] = _find_known(state)
    return found


def _find_known(state: SweepState) -> _Known:
    lines: dict[str, list[SubmissionState]] = defaultdict(list)
    for line in state.jobs.submissions():
        lines[line.source].append(line)
    source_of = {line.name: line.source for own in lines.values() for line in own}
    jobs: dict[str, set[Key]] = defaultdict(set)
    alive: dict[str, set[Key]] = defaultdict(set)
    unended: dict[int, State] = {}
    for number, task in state.tasks.items():
        if task.state in ("completed", "failed", "cancelled"):
            continue
        key, told = state.jobs.key_of(number), state.state_of(number)
        if told not in ENDED:
            unended[number] = told
        source = source_of.get(key[0]) if key is not None else None
        if key is not None and source is not None:
            jobs[source].add(key)
            if told in ("queued", "running"):
                alive[source].add(key)
    of = {
        source: _Own(
            tuple(own), frozenset(jobs[source]), frozenset(alive[source]), _begun(state, own, jobs[source]),
            _busy(state, _with_workers(state, own, alive[source])),
        )
        for source, own in lines.items()
    }  # fmt: skip
    silent, speaking = {}, list[WriterState]()
    for worker in state.workers():
        if worker.sealed or state.death_of(worker.name):
            silent[worker.native_id] = False
        else:
            speaking.append(worker)
    return _Known(state.version, of, unended, silent, tuple(speaking))


def _begun(state: SweepState, lines: Sequence[SubmissionState], jobs: set[Key]) -> frozenset[Key]:
    """Those jobs of which a task has begun."""
    names = {name for name, _ in jobs}
    return frozenset(
        key for line in lines if line.name in names for key, (number, _) in line.batches()
        if key in jobs and state.tasks[number].state != "queued"
    )  # fmt: skip


def _with_workers(
    state: SweepState, lines: Sequence[SubmissionState], alive: set[Key]
) -> list[SubmissionState]:
    """Those of which tasks wait or run, and that were given to workers, not to a scheduler."""
    names, workers = {name for name, _ in alive}, {writer.name for writer in state.workers()}
    return [line for line in lines if line.name in names and (line.job or line.native_id in workers)]


def _busy(state: SweepState, given: Iterable[SubmissionState]) -> dict[str, int]:
    """The slots that living workers use, or will, for tasks that they were given."""
    found: dict[str, int] = {}
    for line in given:
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
    if known is None or known.attempt != attempt or known.state not in ("queued", "running"):
        return False
    return state.state_of(number) in ("queued", "running")


def _heard(workers: Sequence[WriterState], beat_s: float) -> dict[str, bool]:
    """The jobs whose workers have spoken: whether of late, so that they live, whatever a queue knows of them."""
    since = time.monotonic() - SILENT_BEATS * beat_s
    return {worker.native_id: worker.heard_at > since for worker in workers}

"""Sums up a sweep's machines behind SSH: how many slots are in use, what is done, when they were last heard."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hsm_core.store.event_codec import KIND
from hsm_core.store.events import End, WorkerHead
from hsm_core.store.state.sweep_state import SweepState

Health = Literal["healthy", "degraded", "unhealthy", "disabled"]
#: Seconds without a word of a worker that runs tasks: three beats, and a minute.
LATE_S, SILENT_S = 15.0, 60.0
#: How the line begins that a task has ended.
_END = f'{{"{KIND}":"{End.tag}",'.encode()


@dataclass(frozen=True)
class HostView:
    """A machine as it is shown.

    Args:
        used, slots: slots with a task, and all of its workers that have not ended.
        coming: tasks that have ended there, and whose files are on their way.
        done: tasks that completed there.
        seconds: since its newest word came here; the machine's own clock may be wrong.
        health: by that, or ``disabled`` where it gets no more tasks; empty where nothing of it runs.
    """

    name: str
    used: int
    slots: int
    done: int
    seconds: float
    health: Health | Literal[""]
    coming: int = 0


def read_hosts(state: SweepState) -> list[HostView]:
    """Returns the machines that have begun to work, in the order in which the sweep names them."""
    return list(_hosts(state)) if any(one.kind == "host" for one in state.sources.values()) else []


def _hosts(state: SweepState) -> Iterator[HostView]:
    running = Counter(task.worker for task in state.tasks.values() if task.state == "running")
    done = Counter(task.worker for task in state.tasks.values() if task.state == "completed")
    for source in state.sources.values():
        heads = [one.head for one in state.workers() if isinstance(one.head, WorkerHead)]
        own = [head for head in heads if head.source == source.name] if source.kind == "host" else []
        if not own:
            continue
        alive = [head for head in own if not state.writers[head.id].sealed]
        seconds = max(0.0, time.time() - max(_heard_at(state, head.id) for head in own))
        coming = sum(_coming(state, head.id) for head in own)
        used = max(0, sum(running[head.id] for head in own) - coming)
        health = "disabled" if state.has_refused(source.name) else _health(seconds) if alive else ""
        slots = sum(head.slots for head in alive)
        yield HostView(source.name, used, slots, sum(done[head.id] for head in own), seconds, health, coming)


def _coming(state: SweepState, worker: str) -> int:
    """Returns how many tasks of a worker have ended there and not here: that waits for their files."""
    came, shown = state.paths.came(worker), state.paths.journal(worker)
    try:
        if came.stat().st_size <= shown.stat().st_size:
            return 0
        return max(0, came.read_bytes().count(_END) - shown.read_bytes().count(_END))
    except OSError:
        return 0


def _heard_at(state: SweepState, worker: str) -> float:
    """Returns when a worker's journal last grew here, seconds since 1970."""
    try:
        return os.stat(state.paths.journal(worker)).st_mtime
    except OSError:
        return 0.0


def _health(seconds: float) -> Health:
    return "healthy" if seconds < LATE_S else "degraded" if seconds < SILENT_S else "unhealthy"

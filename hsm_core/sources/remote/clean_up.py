"""Removes a sweep's directory from a machine once all its tasks have completed and all their files are here."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from hsm_core.hosts.interface import Host
from hsm_core.store.layout import SweepPaths
from hsm_core.store.left_there import tasks_with_left
from hsm_core.store.state.sweep_state import SweepState

from .kept_there import not_here, remove_folder
from .worker_mirror import WorkerMirror

#: Seconds in which a worker without work ends, and between two looks.
_ENDS_S, _EVERY_S = 3.0, 0.05


def clean_up(paths: SweepPaths, host: Host, there: Path, workers: Sequence[WorkerMirror]) -> bool:
    """Removes it, unless something of it is still needed; returns whether it did.

    Args:
        there: the sweep's directory on the machine.
        workers: all that the sweep has there; they were told that there is nothing left to do.

    Raises:
        OSError, HsmError: the machine can't be asked, or does not remove all of it.
    """
    state = SweepState(paths.place)
    state.refresh()
    if not state.total or len(state.numbers_in("completed")) < state.total or tasks_with_left(paths):
        return False
    for worker in workers:
        if worker.process is not None:
            host.signal(worker.process, signal.SIGCONT)  # look into your inbox
    deadline = time.monotonic() + _ENDS_S
    while not all(_has_ended(host, worker) for worker in workers):
        if time.monotonic() > deadline:
            return False
        time.sleep(_EVERY_S)
    for worker in workers:
        worker.bring_home()  # its last word
    if not_here(host, there, paths.root, folders_of(state)):
        return False
    remove_folder(host, there)
    return True


def folders_of(state: SweepState) -> Iterator[Path]:
    """Yields the directories of a sweep's tasks that lie in the sweep's own, relative to that."""
    for number in state.tasks:
        files = state.task_directory(number)
        if files is not None and files.root.is_relative_to(state.paths.root):
            yield files.root.relative_to(state.paths.root)


def _has_ended(host: Host, worker: WorkerMirror) -> bool:
    return worker.process is None or host.evidence_of_death(worker.process) is not None

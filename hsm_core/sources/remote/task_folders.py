"""Checks, before files of a host come into it, that a task's folder is that task's to use.

A host that named another one would put its files over those of tasks that ran elsewhere, or over the user's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from hsm_core.errors import HostTrouble
from hsm_core.store import events
from hsm_core.store.journal import JournalReader
from hsm_core.store.layout import SweepPaths, TaskPaths
from hsm_core.store.outcomes import owner_of
from hsm_core.store.record import read_record


def require_own_folder(paths: SweepPaths, start: events.Start, workers: str) -> None:
    """Requires that a task's folder, as its host calls it, is a new one, or the task's already.

    Args:
        workers: the names of the host's workers, but for the last word: its tasks may have one folder together.

    Raises:
        HostTrouble: it is a link, lies in another task's folder, or holds what is not the task's.
        StoreError, VersionMismatch: the sweep's record can't be read.
    """
    place = paths.root
    for part in Path(start.directory).parts:
        if place != paths.root and TaskPaths(place).hsm.is_dir():
            raise _refused(start, f"{place} is another task's folder")
        place = place / part
        if place.is_symlink():
            raise _refused(start, f"{place} is a link")
    if place.exists() and not place.is_dir():
        raise _refused(start, f"{place} is no folder")
    owner = owner_of(TaskPaths(place))
    if owner is not None and owner.sweep == read_record(paths).id:
        if owner.task != start.task and not any(one.task == owner.task for one in _starts(paths, workers)):
            raise _refused(start, f"{place} is the folder of task {owner.task}")
    elif start.directory == str(start.task) or not place.exists():
        return  # as Hydra calls it, or a new one
    elif _has_other_files(place):
        raise _refused(start, f"{place} holds files that are no task's")
    elif start.attempt == 1:
        for one in _starts(paths, workers, are_theirs=False):
            if one.directory == start.directory and one.task != start.task:
                raise _refused(start, f"{place} is the folder of task {one.task}")


def _starts(paths: SweepPaths, workers: str, *, are_theirs: bool = True) -> Iterator[events.Start]:
    """Yields what workers of a host have started, or all others."""
    for journal in paths.events.glob("*.jsonl"):
        if (journal.stem.rpartition("-")[0] == workers) == are_theirs:
            yield from (one for one in JournalReader(journal).read_new() if isinstance(one, events.Start))


def _has_other_files(place: Path) -> bool:
    return bool(os.listdir(place)) and not TaskPaths(place).hsm.is_dir()


def _refused(start: events.Start, seen: str) -> HostTrouble:
    return HostTrouble(
        f"the folder in which task {start.task} ran on its host can't be used here", evidence=seen,
        fix="hydra.sweep.dir=DIRECTORY    # a new one, in which each source has folders of its own",
    )  # fmt: skip

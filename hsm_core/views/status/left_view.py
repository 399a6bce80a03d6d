"""Sums up which files of a sweep stay on machines behind SSH, and what to type to get them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from hsm_core.model import counted
from hsm_core.overrides import quoted
from hsm_core.store.left_there import LeftThere, read_left, tasks_with_left
from hsm_core.store.record import SweepRecord
from hsm_core.store.state.sweep_state import SweepState

_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


@dataclass(frozen=True)
class LeftView:
    """Files that stay on a machine.

    Args:
        size: their bytes.
    """

    source: str
    tasks: int
    files: int
    size: int


def read_left_views(state: SweepState) -> list[LeftView]:
    """Returns what stays, by machine."""
    found: dict[str, list[LeftThere]] = defaultdict(list)
    for task in tasks_with_left(state.paths):
        left = read_left(state.paths, task)
        if left is not None:
            found[left.source].append(left)
    return [
        LeftView(source, len(all_of_it), sum(one.files for one in all_of_it), sum(one.size for one in all_of_it))
        for source, all_of_it in sorted(found.items())
    ]


def left_line(view: LeftView, record: SweepRecord) -> str:
    """Returns what is told of it."""
    files = f"{counted(view.files, 'file')} of {counted(view.tasks, 'task')}"
    return f"{view.source}: {files} stay there, {size_text(view.size)}: hsm pull {quoted(record.selector)}"


def size_text(size: int) -> str:
    """Returns a number of bytes for people: ``4.0 GiB``."""
    for unit, name in _UNITS:
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return counted(size, "byte")

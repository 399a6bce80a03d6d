"""Lists the tasks of a sweep, a line or a JSON object each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hsm_core.model import State, Task
from hsm_core.overrides import joined
from hsm_core.store.state.sweep_state import SweepState

from .failures.reasons import Reasons
from .text import GLYPH, clean, duration, paint, shorten

COLUMNS = (
    "task", "attempt", "state", "reason", "message", "seconds", "worker", "host", "dir", "overrides",
)  # fmt: skip

def task_json(state: SweepState, task: Task, reasons: Reasons | None = None) -> dict[str, Any]:
    """Returns everything that is known of a task.

    Args:
        reasons: of the same state, where several tasks are asked about.
    """
    known, now = state.tasks.get(task.number), state.state_of(task.number)
    files, why = state.task_directory(task.number), (reasons or Reasons(state)).of(task.number)
    ended = state.end_of(task.number) if now in ("completed", "failed", "cancelled") else None
    return {
        "task": task.number, "attempt": known.attempt if known else 1,
        "state": now, "reason": why.reason if why else None,
        "message": (why.message if why else "") or None,
        "seconds": ended.wall if ended else None,
        "worker": known.worker or None if known else None,
        "host": state.node_of(task.number) or None,
        "dir": str(files.root) if files else None, "overrides": list(task.overrides),
    }  # fmt: skip


def task_lines(
    state: SweepState, tasks: Sequence[Task], *, width: int | None = 80, colour: bool = False
) -> Iterator[str]:
    """Yields the lines of a table.

    Args:
        width: columns; the middle of overrides makes room. None shows all that is known, in full.
    """
    if width is None:
        yield from _wide_lines(state, tasks, colour)
        return
    reasons = Reasons(state)
    yield paint(f"{'task':>6}  {'state':11}  {'time':>10}  overrides", "dim", colour)
    for task in tasks:
        found = task_json(state, task, reasons)
        now = state.state_of(task.number)
        tail = shorten(_overrides(task), max(20, width - 33))
        yield f"{task.number:6}  {_state(now, colour)}  {_took(found['seconds']):>10}  {tail}"


def _wide_lines(state: SweepState, tasks: Sequence[Task], colour: bool) -> Iterator[str]:
    reasons = Reasons(state)
    rows = [[_cell(name, value, task) for name, value in _known(state, task, reasons)] for task in tasks]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for row in (COLUMNS, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        line = "  ".join(cells).rstrip()
        yield paint(line, "dim", colour) if row is COLUMNS else line


def _known(state: SweepState, task: Task, reasons: Reasons) -> Iterator[tuple[str, Any]]:
    found = task_json(state, task, reasons)
    return ((name, found[name]) for name in COLUMNS)


def _cell(name: str, value: Any, task: Task) -> str:
    if name == "overrides":
        return _overrides(task)
    if name == "state":
        return f"{GLYPH[value]} {value}"
    return _took(value) if name == "seconds" else "" if value is None else clean(str(value))


def _state(now: State, colour: bool) -> str:
    return paint(f"{GLYPH[now]} {now:9}", now, colour)


def _overrides(task: Task) -> str:
    return clean(joined(task.overrides))


def _took(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)

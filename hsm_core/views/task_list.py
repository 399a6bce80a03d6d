"""The tasks of a sweep, a line or a JSON object each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hsm_core.model import Reason, State, Task
from hsm_core.overrides import joined
from hsm_core.store.state import SweepState

from .failures import message_of
from .sweep_json import SCHEMA_VERSION
from .words import GLYPH, clean, duration, paint, shorten

COLUMNS = (
    "task", "attempt", "state", "reason", "message", "seconds", "worker", "host", "dir", "overrides",
)  # fmt: skip

#: Why a task is not completed, where nobody had to say it.
_UNSAID: Mapping[str, Reason] = {"cancelled": "cancelled", "lost": "unknown"}


def task_json(state: SweepState, task: Task) -> dict[str, Any]:
    """All that is known of a task."""
    known, now = state.tasks.get(task.number), state.state_of(task.number)
    has_ended = now in ("completed", "failed", "cancelled") or state.ended_before(task.number) is not None
    ended = state.ending_of(task.number) if has_ended else {}
    files = state.task_directory(task.number)
    message = (
        state.evidence_of(task.number) if now == "lost" else message_of(ended) if ended.get("reason") else ""
    )
    return {
        "schema_version": SCHEMA_VERSION, "task": task.number, "attempt": known.attempt if known else 1,
        "state": now, "reason": ended.get("reason") or _UNSAID.get(now), "message": message or None,
        "seconds": ended.get("wall"),
        "worker": known.worker or None if known else None,
        "host": (known.begun or {}).get("host") if known else None,
        "dir": str(files.root) if files else None, "overrides": list(task.overrides),
    }  # fmt: skip


def task_lines(
    state: SweepState, tasks: Sequence[Task], *, width: int | None = 80, colour: bool = False
) -> Iterator[str]:
    """A table.

    Args:
        width: columns; the middle of overrides makes room. None shows all that is known, in full.
    """
    if width is None:
        yield from _wide_lines(state, tasks, colour)
        return
    yield paint(f"{'task':>6}  {'state':11}  {'time':>10}  overrides", "dim", colour)
    for task in tasks:
        found = task_json(state, task)
        now = state.state_of(task.number)
        tail = shorten(_overrides(task), max(20, width - 33))
        yield f"{task.number:6}  {_state(now, colour)}  {_took(found['seconds']):>10}  {tail}"


def _wide_lines(state: SweepState, tasks: Sequence[Task], colour: bool) -> Iterator[str]:
    rows = [[_cell(name, value, task) for name, value in _known(state, task)] for task in tasks]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for row in (COLUMNS, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        line = "  ".join(cells).rstrip()
        yield paint(line, "dim", colour) if row is COLUMNS else line


def _known(state: SweepState, task: Task) -> Iterator[tuple[str, Any]]:
    found = task_json(state, task)
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

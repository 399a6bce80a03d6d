"""Lists the tasks of a sweep, a line or a JSON object each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypedDict

from hsm_core.model import Reason, State, Task
from hsm_core.overrides import joined, without_secrets
from hsm_core.store.state.sweep_state import SweepState

from .failures.reasons import Reasons
from .text import GLYPH, clean, duration, paint, shorten

COLUMNS = (
    "task", "attempt", "state", "reason", "message", "seconds", "worker", "host", "dir", "overrides",
)  # fmt: skip


class TaskRow(TypedDict):
    """All that is known of a task; None where nothing is.

    Args:
        seconds: wall time of the newest attempt, once it has ended.
        worker: the name of who ran it, on ``host``.
        dir: absolute.
    """

    task: int
    attempt: int
    state: State
    reason: Reason | None
    message: str | None
    seconds: float | None
    worker: str | None
    host: str | None
    dir: str | None
    overrides: list[str]


def task_json(state: SweepState, task: Task, reasons: Reasons | None = None) -> TaskRow:
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
        "dir": str(files.root) if files else None, "overrides": list(map(without_secrets, task.overrides)),
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
    rows = [(task_json(state, task, reasons), task) for task in tasks]
    wide = max((len(_why(row)) for row, _ in rows), default=0)
    wide = max(wide, len("reason")) + 2 if wide else 0  # no column where no task has a reason
    yield paint(f"{'task':>6}  {'state':11}  {'reason'[:wide]:{wide}}{'time':>10}  overrides", "dim", colour)
    for row, task in rows:
        tail = shorten(_overrides(task), max(20, width - 33 - wide))
        why = f"{_why(row):{wide}}"
        yield f"{task.number:6}  {_state(row['state'], colour)}  {why}{_took(row['seconds']):>10}  {tail}"


def _wide_lines(state: SweepState, tasks: Sequence[Task], colour: bool) -> Iterator[str]:
    reasons = Reasons(state)
    rows = [list(_cells(task_json(state, task, reasons), task)) for task in tasks]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for row in (COLUMNS, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        line = "  ".join(cells).rstrip()
        yield paint(line, "dim", colour) if row is COLUMNS else line


def _cells(found: TaskRow, task: Task) -> Iterator[str]:
    texts = {name: "" if value is None else clean(str(value)) for name, value in found.items()}
    texts |= {
        "state": f"{GLYPH[found['state']]} {found['state']}", "seconds": _took(found["seconds"]),
        "reason": _why(found), "overrides": _overrides(task),
        "message": texts["message"].removeprefix(f"{found['state']} "),
    }  # fmt: skip
    return (texts[name] for name in COLUMNS)


def _why(found: TaskRow) -> str:
    """Returns the reason, where the state does not say it already."""
    return "" if found["reason"] is None or found["reason"] == found["state"] else found["reason"]


def _state(now: State, colour: bool) -> str:
    return paint(f"{GLYPH[now]} {now:9}", now, colour)


def _overrides(task: Task) -> str:
    return clean(joined(map(without_secrets, task.overrides)))


def _took(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)

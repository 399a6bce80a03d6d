"""Writes one cause of failures as text, the same wherever it is shown."""

from __future__ import annotations

from collections.abc import Iterator

from hsm_core.errors import StoreError
from hsm_core.overrides import quoted
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.tasks import TaskTable
from hsm_core.text import task_ranges

from ..lines_to_copy.rerun import rerun_line
from ..text import GLYPH, clean, paint, shorten
from .by_cause import FailureGroup

#: Characters before a value: ``    rerun: ``.
_INDENT = 11


def failure_lines(
    state: SweepState, group: FailureGroup, *, width: int = 80, colour: bool = False, brief: bool = False
) -> Iterator[str]:
    """Yields count, reason, tasks, an example with its log, the line that runs it alone, and what to type next.

    Args:
        width: columns; numbers and messages are cut, what is to be copied is not.
        brief: where the line that runs it alone is long, the command that prints it.
    """
    room = max(20, width - _INDENT)
    head = f"{GLYPH[group.state]} {group.count} × {group.reason}: "
    cause = shorten(group.cause, max(20, width - len(head)))
    yield paint(head, group.state, colour) + cause
    yield _line("task" if group.count == 1 else "tasks", shorten(task_ranges(group.tasks), room))
    if group.message != cause:
        more = group.message.removeprefix(f"{cause}; ")  # what was said is not said again
        yield _line("e.g." if more == group.message else "note", shorten(more, 2 * room))
    if group.where:
        yield _line("at", group.where)
    if group.nodes:
        yield _line("nodes" if len(group.nodes) > 1 else "node", shorten(clean(nodes_text(group)), room))
    if group.log is not None:
        yield _line("log", clean(str(group.log)))
    again = run_alone(state, group.example)
    if brief and len(again) > 2 * room:
        again = f"hsm command {quoted(state.record.selector)} {group.example}"
    if again and again != group.suggestion:
        yield _line("rerun", again)
    yield _line("next", group.suggestion)


def nodes_text(group: FailureGroup) -> str:
    """Returns ``node7 2, node3 1``, or that all are on one node."""
    (first, count), others = group.nodes[0], group.nodes[1:]
    if others:
        return ", ".join(f"{node} {count}" for node, count in group.nodes)
    if group.count == 1:
        return first
    return f"{first}, all of them" if count == group.count else f"{first} {count}, unknown for the others"


def run_alone(state: SweepState, number: int) -> str:
    """Returns the line that runs a task alone; empty if there is none."""
    try:
        return rerun_line(state.record, TaskTable(state.paths)[number])
    except (StoreError, OSError, IndexError):
        return ""


def _line(label: str, text: str) -> str:
    return f"    {label + ':':6} {text}"

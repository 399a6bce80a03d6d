"""What a launcher says when its tasks have ended: failures first, then counts, then what to type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hsm_core.errors import StoreError
from hsm_core.model import State
from hsm_core.store.state import SweepState
from hsm_core.store.tasks import TaskTable

from .failures import FailureGroup, group_failures
from .next_command import next_command
from .rerun import rerun_line
from .words import GLYPH, numbers, paint, shorten, state_words

#: Groups that are shown in full; the rest is one command away.
_GROUPS = 5


def summary(
    state: SweepState, numbers: range | None = None, *, colour: bool = False, advise: bool = True
) -> str:
    """The end of a launch.

    Args:
        numbers: the tasks of this launch; None means all of the sweep.
        advise: say what to type next.
    """
    groups = group_failures(state, numbers)
    lines = [line for group in groups[:_GROUPS] for line in failure_lines(state, group, colour=colour)]
    if len(groups) > _GROUPS:
        lines.append(f"  … and {len(groups) - _GROUPS} more causes: hsm errors {state.record.id}")
    counts = counts_among(state, numbers)
    lines.append(f"{state.record.id}: {state_words(counts, colour)}")
    if advise:
        lines.append(f"  next: {next_command(state.record.id, counts)}")
    return "\n".join(lines)


def failure_lines(
    state: SweepState, group: FailureGroup, *, width: int = 80, colour: bool = False, brief: bool = False
) -> Iterator[str]:
    """One cause: how often, which tasks, the example's message, its log and the line that runs it alone.

    Args:
        brief: where that line is too long for the terminal, the command that prints it.
    """
    head = f"{GLYPH[group.state]} {group.count} × {group.reason}: "
    cause = shorten(group.cause, max(20, width - len(head)))
    yield paint(head, group.state, colour) + cause
    which = f"task {group.example}" if group.count == 1 else f"tasks {shorten(numbers(group.tasks), 40)}"
    yield f"    {which}"
    if group.message != cause:
        yield f"    e.g. {shorten(group.message, max(20, width * 2 - 9))}"
    if group.log is not None:
        yield f"    log:   {group.log}"
    alone = run_alone(state, group.example)
    if brief and len(alone) > width - 11:
        alone = f"hsm command {state.record.id} {group.example}"
    if alone:
        yield f"    alone: {alone}"
    if not group.suggestion.startswith(("hsm logs", "hsm command")):
        yield f"    try:   {group.suggestion}"


def run_alone(state: SweepState, number: int) -> str:
    """The line that runs a task alone; empty where none is known."""
    try:
        return rerun_line(state.record, TaskTable(state.paths)[number])
    except (StoreError, OSError, IndexError):
        return ""


def counts_among(state: SweepState, among: range | None) -> Counter[State]:
    """How many of these tasks are in which state; None means all."""
    return state.counts() if among is None else Counter(map(state.state_of, among))

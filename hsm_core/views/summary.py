"""Writes the launcher's last words when its tasks have ended: failures, counts, and what to type next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from hsm_core.model import State, counted
from hsm_core.overrides import quoted
from hsm_core.results.missing_metrics import missing_at_first
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.text import task_ranges

from .failures.by_cause import group_failures
from .failures.text import failure_lines
from .lines_to_copy.next_command import next_command
from .text import clean, shorten, state_words

#: Groups that are shown in full; the rest is one command away.
_GROUPS = 5


def summary(
    state: SweepState, numbers: range | None = None, *, earlier: Collection[int] = (), colour: bool = False,
    advise: bool = True, first: bool = True, width: int = 80,
) -> str:  # fmt: skip
    """Returns the text for the end of a launch.

    Args:
        numbers: the tasks of this launch; None means all of the sweep.
        earlier: of these, tasks that had failed before it and did not run in it.
        advise: say what to type next.
        width: columns; longer messages are cut.
        first: the sweep's first results came in this launch: what all of them lack is said, once.
    """
    among = numbers if not earlier else set(range(state.total) if numbers is None else numbers) - set(earlier)
    groups = group_failures(state, among)
    lines = [line for group in groups[:_GROUPS] for line in failure_lines(state, group, width=width, colour=colour)]
    if len(groups) > _GROUPS:
        more = counted(len(groups) - _GROUPS, "more cause")
        lines.append(f"  … and {more}: hsm errors {quoted(state.record.selector)}")
    counts = counts_among(state, numbers)
    lines += _unkept(state, numbers)
    if first:
        lines += [shorten(clean(f"warning: {told}"), 200) for told in missing_at_first(state, numbers)]
    if earlier:
        were = "was" if len(earlier) == 1 else "were"
        told = f"{counted(len(earlier), 'task')} failed earlier and {were} not run again"
        lines.append(f"{told}: {shorten(task_ranges(earlier), 80)}")
    lines.append(f"{state.record.id}: {state_words(counts, colour)}")
    if advise:
        lines.append(f"  next: {next_command(state.record, counts)}")
    return "\n".join(lines)


def _unkept(state: SweepState, numbers: range | None) -> list[str]:
    """Returns one warning for all tasks that completed with a value that can't be kept."""
    among = range(state.total) if numbers is None else numbers
    told = {number: warning for number in among if (warning := warning_of(state, number))}
    if not told:
        return []
    first, warning = next(iter(told.items()))
    whose = f"task {first}" if len(told) == 1 else f"{len(told)} tasks, e.g. task {first}"
    return [shorten(clean(f"warning: {whose}: {warning}"), 200)]


def warning_of(state: SweepState, number: int) -> str:
    """Returns the warning of a task that completed; mostly empty."""
    task = state.tasks.get(number)
    return task.warning if task else ""


def counts_among(state: SweepState, among: range | None) -> Counter[State]:
    """Returns how many of these tasks are in each state; None means all tasks."""
    return state.counts() if among is None else Counter(map(state.state_of, among))

"""What a launcher says when its tasks have ended: failures first, then counts, then what to type."""

from __future__ import annotations

from collections import Counter

from hsm_core.model import State
from hsm_core.store.state import SweepState

from .failure_text import failure_lines
from .failures import group_failures
from .next_command import next_command
from .words import state_words

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


def counts_among(state: SweepState, among: range | None) -> Counter[State]:
    """How many of these tasks are in which state; None means all."""
    return state.counts() if among is None else Counter(map(state.state_of, among))

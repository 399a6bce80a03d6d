"""Tasks whose jobs ended before they began them, by why: they are pending, and would meet the same again."""

from __future__ import annotations

from hsm_core.store.state import SweepState

from .failures import FailureGroup, normalised
from .words import clean


def group_unbegun(state: SweepState) -> list[FailureGroup]:
    """The pending tasks of such jobs by reason and normalised cause, largest group first."""
    found: dict[tuple[str, str], list[int]] = {}
    words: dict[int, str] = {}
    for number in state.numbers_in("pending") if state.jobs else ():
        if end := state.ended_before(number):
            words[number] = clean(end.evidence.strip())
            found.setdefault((end.reason, normalised(end.evidence)), []).append(number)
    resume = f"hsm resume {state.record.id}"
    groups = [
        FailureGroup("pending", reason, cause, words[tasks[0]], tuple(tasks), None, resume)
        for (reason, cause), tasks in found.items()
    ]
    return sorted(groups, key=lambda group: (-group.count, group.example))


def unbegun_line(group: FailureGroup) -> str:
    """``2 not begun: job held, too many failed attempts to run``."""
    return f"{group.count} not begun: {group.message}"

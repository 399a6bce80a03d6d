"""Groups tasks whose jobs ended before the tasks began, by cause: they are pending and would fail the same way."""

from __future__ import annotations

from collections.abc import Sequence

from hsm_core.overrides import quoted
from hsm_core.store.state.sweep_state import SweepState

from ..lines_to_copy.resume_lines import resume_line
from ..task_log import has_text, log_of
from .bigger_request import more_job_time
from .by_cause import FailureGroup, grouped
from .reasons import Reasons, TaskEnding


def group_unbegun(state: SweepState) -> list[FailureGroup]:
    """Returns these pending tasks by reason and normalised cause, the largest group first."""
    endings = {
        number: end for number, end in Reasons(state).all() if end.state == "pending" and not end.is_refused
    }
    return grouped(state, endings, _advice)


def unbegun_line(group: FailureGroup) -> str:
    """Returns a group as a line: ``2 not begun, launch: job held, too many failed attempts to run``."""
    more = " ".join(group.suggestion.partition(" --set ")[2].split())
    return f"{group.count} not started, {group.reason}: {group.message}" + (f": ask for {more}" if more else "")


def _advice(state: SweepState, tasks: Sequence[int], ending: TaskEnding) -> str:
    """Returns what to type next."""
    number = tasks[0]
    writer = ending.left_by
    if writer is None and ending.reason == "launch" and has_text(log_of(state, number)):
        return f"hsm logs {quoted(state.record.selector)} {number}"
    if writer is None or ending.reason != "walltime":
        return resume_line(state.record)
    head = writer.as_worker
    took = writer.last_at - head.at if head else None
    more = more_job_time(state.record, took, (head.resources if head else None) or {})
    return f"{resume_line(state.record, more)}    # or fewer tasks per job"

"""What a launcher says of tasks that it leaves to themselves."""

from __future__ import annotations

from collections.abc import Iterator

from hsm_core.model import counted
from hsm_core.store.record import SweepRecord
from hsm_core.views.resume_lines import resume_line


def parting_words(record: SweepRecord, others: int, left: int, unknown: int, *, cancel: str) -> Iterator[str]:
    """What becomes of the tasks, and what to type next.

    Args:
        record: the sweep's.
        others: tasks that were accepted and have not ended, as far as is known.
        left: tasks that were surely not accepted.
        unknown: tasks of which nobody knows whether they were.
        cancel: the tasks were to end, and nobody tells whether they have: when to say so again; empty: they were not.
    """
    if others:
        yield f"{counted(others, 'task')} may still be running" if cancel else (
            f"{counted(others, 'task', 'runs', 'run')} without this process"
        )
    if unknown:
        yield f"{counted(unknown, 'task')} may have been submitted"
    if left:
        yield f"{counted(left, 'task', 'was', 'were')} not submitted"
    if cancel:
        yield f"  next: hsm cancel {record.id}    # {cancel}"
    elif left or unknown:
        yield f"  next: {resume_line(record)}"

"""What a launcher says of tasks that it leaves to themselves."""

from __future__ import annotations

from collections.abc import Iterator


def parting_words(identifier: str, others: int, left: int, unknown: int, *, cancelled: bool) -> Iterator[str]:
    """What becomes of the tasks, and what to type next.

    Args:
        identifier: the sweep's.
        others: tasks that were accepted and have not ended, as far as is known.
        left: tasks that were surely not accepted.
        unknown: tasks of which nobody knows whether they were.
        cancelled: the tasks were to end, and nobody tells whether they have.
    """
    if others:
        yield f"whether {others} tasks have ended is not known" if cancelled else (
            f"{others} tasks go on without this process"
        )
    if unknown:
        yield f"whether {unknown} tasks were accepted is not known"
    if left:
        yield f"{left} tasks were not submitted yet"
    if cancelled:
        yield f"  next: hsm cancel {identifier}    (when the scheduler answers)"
    elif left or unknown:
        yield f"  next: hsm resume {identifier}"

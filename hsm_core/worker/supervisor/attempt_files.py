"""Reads and completes what an attempt leaves on disk: its word of how it ended; its logs, unless they are empty."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from hsm_core.store.outcomes import owner_of, read_outcome

from ..protocol import Message
from ..task.outcome import confirm_outcome, explain, write_outcome
from ..task.returned import lost_on_the_way
from .attempt import Attempt, AttemptEnding


def last_word(attempt: Attempt, exited: Message) -> Message | None:
    """Returns how an attempt ended by its written outcome, or because it returned; None if it did neither.

    Args:
        exited: ``code`` or ``signal`` of its process.
    """
    return _written_word(attempt) or (_returned(attempt, exited) if attempt.returned else None)


def _written_word(attempt: Attempt) -> Message | None:
    return None if attempt.files is None else read_outcome(attempt.files, attempt.order.owner)


def _returned(attempt: Attempt, exited: Message) -> Message | None:
    """Completes an attempt without its value; returns None if that can't be written."""
    files, order, word = attempt.files, attempt.order, lost_on_the_way(exited)
    if order.rank:
        return word
    if files is None or owner_of(files) != order.owner:
        return None
    try:
        write_outcome(files, order.owner, {**word, "state": "running"} if order.is_shared else word, None)
    except OSError:
        return None
    return word


def confirmed(attempt: Attempt, ending: AttemptEnding) -> AttemptEnding:
    """Writes into its outcome that all ranks have completed; returns its ending: a failure if the disk refuses."""
    try:
        if attempt.files is not None:
            confirm_outcome(attempt.files, attempt.order.owner)
    except (OSError, ValueError) as error:
        failure = explain(error)
        message = f"can't write its result: {failure.message}"
        return replace(ending, state="failed", reason=failure.reason, message=message)
    return ending


def remove_if_empty(*logs: Path) -> None:
    """Removes empty logs: ten thousand tasks that print nothing need no twenty thousand files."""
    for log in logs:
        with suppress(OSError):
            if not log.stat().st_size:
                log.unlink()

"""Handles Ctrl-C while a sweep is prepared: says what was done so far, instead of a traceback through our code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hsm_core.overrides import quoted
from hsm_core.store.record import SweepRecord
from hsm_core.text import tell

#: As a shell says it of a command that SIGINT ended.
EXIT_CODE = 128 + signal.SIGINT
NOTHING = "interrupted before anything was recorded: nothing runs"


def interrupted_words(record: SweepRecord, *, is_new: bool, has_launched: bool) -> str:
    """Returns what became of a sweep that was written down, and the line to type next.

    Args:
        is_new: it was begun, not resumed.
        has_launched: tasks of it may have been started.
    """
    if has_launched:
        return f"interrupted\n  next: hsm-status {quoted(record.selector)}"
    what = "the sweep is recorded, no task was started" if is_new else f"no further task of {record.id} was started"
    told = f"interrupted: {what}"
    return f"{told}\n  next: hsm resume {quoted(record.selector)}"


@contextmanager
def interruptible(say: Callable[[], str]) -> Iterator[None]:
    """Ends the command line with words and 130 at a Ctrl-C in the block; Python's callers get KeyboardInterrupt.

    Args:
        say: what became of the sweep, and what to type next; called after the Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt:
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)  # often pressed twice
        try:
            from .error_display import wants_words

            if not wants_words():
                raise
            tell(f"\n{say()}")
        finally:
            signal.signal(signal.SIGINT, previous)
        sys.exit(EXIT_CODE)

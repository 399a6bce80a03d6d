"""Handles Ctrl-C while a sweep is prepared: says what was done so far, instead of a traceback through our code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hsm_core.text import tell

#: As a shell says it of a command that SIGINT ended.
EXIT_CODE = 128 + signal.SIGINT
NOTHING = "interrupted before anything was recorded: nothing runs"


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

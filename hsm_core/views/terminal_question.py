"""Asks a question on the terminal that stands while work goes on, until it is answered or withdrawn."""

from __future__ import annotations

import os
import select
import sys

from hsm_core.text import tell


class Question:
    """A question on stderr, whose answer is read from stdin without waiting."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.stands = False

    def ask(self) -> None:
        self.stands = True
        self._put()

    def answer(self) -> str | None:
        """Returns what was typed (empty: the input is closed) and ends the question; None if there is nothing yet."""
        if not self.stands or not _is_readable(sys.stdin.fileno()):
            return None
        line = _read(sys.stdin.fileno())
        self.stands = False
        if not line.endswith("\n"):
            _end_line()
        return line.strip()

    def drop(self) -> None:
        """Withdraws the question; later output begins on a new line."""
        if self.stands:
            self.stands = False
            _end_line()

    def say(self, text: str) -> None:
        """Prints lines while the question stands, and repeats it below them."""
        _end_line()
        tell(text)
        self._put()

    def _put(self) -> None:
        print(self._text, end="", file=sys.stderr, flush=True)


def _end_line() -> None:
    print(file=sys.stderr, flush=True)


def _is_readable(stdin: int) -> bool:
    """Returns whether reading would neither wait nor stop us, as it would while another job has the terminal."""
    try:
        if os.tcgetpgrp(stdin) != os.getpgrp():
            return False
    except OSError:
        pass  # it is not the terminal that our shell controls us from
    return bool(select.select([stdin], [], [], 0)[0])


def _read(stdin: int) -> str:
    """Reads from the terminal, which gives at most one line at a time."""
    try:
        return os.read(stdin, 4096).decode(errors="replace")
    except OSError:  # the terminal is gone
        return ""

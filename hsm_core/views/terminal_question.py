"""A question on the terminal that stands while the work goes on: asked, looked at for an answer, given up."""

from __future__ import annotations

import os
import select
import sys


class Question:
    """Asks on stderr and looks for a line on stdin, never waiting for one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.stands = False

    def ask(self) -> None:
        self.stands = True
        self._put()

    def answer(self) -> str | None:
        """What was typed, and ends the question; None if nothing was yet. A closed input has answered nothing."""
        if not self.stands or not _is_readable(sys.stdin.fileno()):
            return None
        line = _read(sys.stdin.fileno())
        self.stands = False
        if not line.endswith("\n"):
            _end_line()
        return line.strip()

    def drop(self) -> None:
        """Ask no longer; what is printed next begins a line."""
        if self.stands:
            self.stands = False
            _end_line()

    def say(self, text: str) -> None:
        """Print lines while it stands, and ask once more below them."""
        _end_line()
        print(text, file=sys.stderr)
        self._put()

    def _put(self) -> None:
        print(self._text, end="", file=sys.stderr, flush=True)


def _end_line() -> None:
    print(file=sys.stderr, flush=True)


def _is_readable(stdin: int) -> bool:
    """True if reading would not wait; nor stop us, as it does while another job has the terminal."""
    try:
        if os.tcgetpgrp(stdin) != os.getpgrp():
            return False
    except OSError:
        pass  # it is not the terminal that our shell controls us from
    return bool(select.select([stdin], [], [], 0)[0])


def _read(stdin: int) -> str:
    """A terminal gives no more than a line at once."""
    try:
        return os.read(stdin, 4096).decode(errors="replace")
    except OSError:  # the terminal is gone
        return ""

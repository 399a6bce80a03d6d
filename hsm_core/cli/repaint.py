"""Repaints a changing text in one place of a terminal; elsewhere prints each change below the one before."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from hsm_core.text import printable

from .terminal import colour_on, say

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

#: What runs on by itself: ``12 s``, ``3 h 5 min``, ``4.7/s``.
_TIMES = re.compile(r"(?:[\d.]+[ /](?:s|min|h|d)\b\s*)+")


class Repaint:
    """A place on the terminal, as a context; the last text stays there, whole, when it ends.

    Args:
        again: there will be several texts; with one, or where there is no terminal, texts are just printed,
            without those in which only times differ from the one before.
    """

    def __init__(self, *, again: bool) -> None:
        self._repaints = again and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._live: Live | None = None
        self._shown = ""

    def __enter__(self) -> Repaint:
        if self._repaints:
            from rich.console import Console
            from rich.live import Live

            console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
            self._live = Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop")
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
            if self._shown:
                say(self._shown)
            sys.stdout.flush()

    def show(self, text: str) -> None:
        """Shows a text in place of the one before."""
        if self._live is None:
            if not self._shown or _still(text) != _still(self._shown):
                say(f"\n{text}" if self._shown else text)
                sys.stdout.flush()
        else:
            size = self._live.console.size
            cleaned = printable(text, colours=colour_on(sys.stdout))
            self._live.update(fitting(cleaned, size.width, size.height), refresh=True)
        self._shown = text


def _still(text: str) -> list[str]:
    """Returns a text's words without times; a column's width may vary with them."""
    return _TIMES.sub("", text).split()


def fitting(text: str, width: int, height: int) -> Text:
    """Returns the head of a text that is too long for the screen, and how many lines are missing.

    Args:
        width, height: of the screen; a line that is wider takes several rows.
    """
    from rich.text import Text

    encoding = sys.stdout.encoding or "utf-8"
    lines = [Text.from_ansi(line) for line in text.encode(encoding, "replace").decode(encoding).split("\n")]
    rows = [max(1, -(-line.cell_len // width)) for line in lines]
    shown, room = len(lines), height - 1  # the cursor stands below
    if sum(rows) > room:
        shown = 0
        while shown < len(lines) and sum(rows[: shown + 1]) < room:
            shown += 1
        shown = max(shown, 1)
        lines = [*lines[:shown], Text(f"+{len(lines) - shown} more")]
    found = Text("\n").join(lines)
    found.no_wrap, found.overflow = False, "fold"
    return found

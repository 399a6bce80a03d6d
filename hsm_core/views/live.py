"""Shows progress while the launcher waits: a live line on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from hsm_core.store.disk import is_full
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.text import printable, tell

from .status.progress import progress_line
from .status.rate import UNKNOWN, counts_ended, pace
from .terminal_question import Question

if TYPE_CHECKING:
    from rich.live import Live

#: Seconds between two redraws where somebody watches.
_REDRAW_S = 0.2
#: Seconds before the first line where nobody does, and at most between two; the pause doubles each time.
_FIRST_LINE_S, _LINE_EVERY_S = 4.0, 60.0
_HOW_TO_END = "Ctrl-C: [c]ancel the tasks, [d]etach (they keep running), or keep [w]atching? "
#: What is typed → what is meant; Enter alone changes nothing.
_ANSWERS = {"c": "cancel", "d": "detach", "w": "", "": ""}


class LiveProgress:
    """One line that is redrawn; use it as a context."""

    def __init__(self) -> None:
        self._on_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._live: Live | None = None
        self._shown_at = 0.0 if self._on_terminal else time.monotonic()
        self._pause = _REDRAW_S if self._on_terminal else _FIRST_LINE_S
        self._shown = ""
        self._question = Question(_HOW_TO_END)

    def __enter__(self) -> LiveProgress:
        if self._on_terminal:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), transient=True, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._question.drop()
        if self._live is not None:
            self._live.stop()

    def show(self, state: SweepState) -> None:
        """Redraws the line if it is time and no question stands."""
        if self._question.stands:
            return
        now = time.monotonic()
        if now - self._shown_at < self._pause:
            return
        self._shown_at = now
        if not self._on_terminal:
            self._pause = min(2 * self._pause, _LINE_EVERY_S)
        counts = state.counts()
        if counts_ended(counts) == state.total:
            return
        found = UNKNOWN if is_full(state.paths.root) else pace(state, counts)
        width = self._live.console.width - 1 if self._live else 80
        self._draw(progress_line(counts, state.total, found.rate, found.eta, width=width, doing=_doing(state)))

    def say(self, text: str) -> None:
        """Prints lines above the live one, which stay."""
        if self._question.stands:
            self._question.say(text)
        elif self._live is not None:
            self._live.console.print(printable(text), markup=False, highlight=False)
        else:
            tell(text)

    def ask_how_to_end(self) -> None:
        """Asks at the terminal what Ctrl-C is to mean; the live line pauses until then."""
        if self._live is not None:
            self._live.stop()
        self._question.ask()

    def answer(self) -> str | None:
        """Returns ``cancel``, ``detach``, or an empty text to go on; None while nothing of these is typed."""
        typed = self._question.answer()
        if typed is None:
            return None
        meant = _ANSWERS.get(typed.lower()[:1])
        if meant is None:
            tell(f"'{typed}' is none of these: type c, d or w")
            self._question.ask()
        else:
            self._come_back()
        return meant

    def drop_question(self) -> None:
        """Withdraws the question, if it stands."""
        if self._question.stands:
            self._question.drop()
            self._come_back()

    def _come_back(self) -> None:
        if self._live is not None:
            self._live.start()

    def _draw(self, line: str) -> None:
        if self._live is not None:
            from rich.text import Text

            self._live.update(Text(line, no_wrap=True), refresh=True)
        elif line != self._shown:
            tell(line)
        self._shown = line


def _doing(state: SweepState) -> str:
    """Returns what workers do that have not begun a task yet: an app's imports may take minutes."""
    workers = [writer for writer in state.writers.values() if writer.as_worker and not writer.sealed]
    return "importing the app" if workers and not any(worker.ready for worker in workers) else ""

"""Says why an app could not be imported, and when to stop trying."""

from __future__ import annotations

import signal
from pathlib import Path

from hsm_core.text import log_tail

from ..protocol import Message

#: An importer that is killed this often, without a task having ended meanwhile, is given up.
_MOST_DEATHS = 3
#: Longest output kept in an event, bytes.
_OUTPUT_LIMIT = 8000


class ImporterDeaths:
    """Counts the importers of a worker that were killed, one after the other, without a task having ended."""

    def __init__(self) -> None:
        self._deaths = 0

    def reset(self) -> None:
        """Starts to count anew, as a task has ended: the app can be imported."""
        self._deaths = 0

    def are_too_many(self, exited: Message, was_ready: bool) -> bool:
        """Counts a death and returns whether to give up: at once after a failed import, later if it was killed.

        Args:
            exited: ``code`` or ``signal`` of the importer.
            was_ready: whether it had imported the app.
        """
        self._deaths += 1
        killed = was_ready or exited["signal"] == signal.SIGKILL
        return not killed or self._deaths >= _MOST_DEATHS


def output_since(log: Path, offset: int) -> str:
    """Returns the end of what was printed to the worker's log after ``offset`` (bytes), where a process began."""
    return log_tail(log, limit=_OUTPUT_LIMIT, begin=offset).strip()


def why_not_imported(exited: Message, was_ready: bool, output: str) -> str:
    """Returns one line that says why tasks can't be run; ``output`` is what their importer printed."""
    how = f"signal {exited['signal']}" if exited["signal"] else f"code {exited['code']}"
    last = output.splitlines()[-1] if output else "it printed nothing"
    what = "the process that imports the app keeps dying" if was_ready else "the app could not be imported"
    return f"{what} ({how}): {last}"

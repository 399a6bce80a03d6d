"""Says why an app could not be imported, and when to stop trying."""

from __future__ import annotations

import signal
from pathlib import Path

from hsm_core.text import log_tail

from ..protocol import Message

#: An importer that is killed this often, without a task having ended meanwhile, is given up.
PATIENCE = 3
#: Longest output kept in an event, bytes.
_OUTPUT_LIMIT = 8000


class Patience:
    """Counts importers of a worker that died for no reason of their own."""

    def __init__(self) -> None:
        self._deaths = 0

    def renew(self) -> None:
        """A task has ended: it works after all."""
        self._deaths = 0

    def is_over(self, exited: Message, was_ready: bool) -> bool:
        """Whether to give up after this death: at once after a failed import, later if it was killed."""
        self._deaths += 1
        killed = was_ready or exited["signal"] == signal.SIGKILL
        return not killed or self._deaths >= PATIENCE


def output_since(log: Path, offset: int) -> str:
    """Returns the end of what was printed to the worker's log after ``offset`` (bytes), where a process began."""
    return log_tail(log, limit=_OUTPUT_LIMIT, begin=offset).strip()


def why_not_imported(exited: Message, was_ready: bool, output: str) -> str:
    """One line for the tasks that can't be run."""
    how = f"signal {exited['signal']}" if exited["signal"] else f"code {exited['code']}"
    last = output.splitlines()[-1] if output else "it printed nothing"
    what = "the process that imports the app keeps dying" if was_ready else "the app could not be imported"
    return f"{what} ({how}): {last}"

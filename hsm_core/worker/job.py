"""Holds what a worker knows about the scheduler's job that it runs in."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .ranks.rank import Rank


@dataclass(frozen=True)
class JobFacts:
    """A job, or an element of an array; all fields are empty for a worker that no scheduler started.

    Args:
        native_id: what the scheduler calls it.
        restart: how often it was run before.
        log: file name of the job's own log, below the sweep's ``logs/``.
        requeue: the command that asks the scheduler to run it again.
        rank: ours, where several processes run a task together.
        node: what the scheduler calls this machine; empty where that is its own name.
    """

    native_id: str = ""
    restart: int = 0
    log: str = ""
    requeue: tuple[str, ...] = ()
    rank: Rank | None = None
    node: str = ""

    def run_again(self) -> str:
        """Asks the scheduler to run this job again; returns its answer if it refused, else an empty text."""
        try:
            asked = subprocess.run(
                self.requeue, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        return asked.stderr.strip() or f"exit code {asked.returncode}" if asked.returncode else ""

"""Handles the end of a job's time: takes the scheduler's warning, and asks to run the job again."""

from __future__ import annotations

import os
import sys
import time

from hsm_core.processes.identity import start_of

from ..job import JobFacts


class EndWarning:
    """The scheduler's warning, put off: Slurm may warn a minute early, at the start of a job of one minute.

    Args:
        limit_s: seconds that the job may take, from the start of this process; None: not known.
    """

    def __init__(self, limit_s: float | None) -> None:
        self._not_before = time.monotonic() + (limit_s / 2 - process_age_s() if limit_s else 0.0)
        self._at: float | None = None

    def ring(self) -> None:
        """Notes that the scheduler has warned."""
        if self._at is None:
            self._at = max(time.monotonic(), self._not_before)

    def is_due(self) -> bool:
        """Returns True once: from the middle of the job's time on."""
        if self.due_in() > 0:
            return False
        self._at = float("inf")
        return True

    def due_in(self) -> float:
        """Returns the seconds until the warning is due; infinity if there is none, or if it was taken."""
        return float("inf") if self._at is None else max(0.0, self._at - time.monotonic())


def process_age_s() -> float:
    """Returns the seconds since this process began, as a script before ``exec`` too; 0 if unknown."""
    if not sys.platform.startswith("linux"):
        return 0.0
    ticks = int(start_of(os.getpid()) or 0)
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK") if ticks else 0.0


#: Of the time between warning and end, the share that tasks have for their checkpoints.
_SHARE = 0.6


class Requeue:
    """The question to run a job again; begins with the scheduler's warning.

    Args:
        warn_s: seconds from the warning to the job's end; None: the job is not run again.

    Attributes:
        is_granted: the scheduler will run the job again; what it ends until then goes on there.
    """

    def __init__(self, job: JobFacts, warn_s: float | None) -> None:
        self._job = job
        self._is_open = warn_s is not None
        self.is_granted = False
        self._at = time.monotonic() + _SHARE * (warn_s or 0.0)

    def is_due(self, running: int) -> bool:
        """Returns whether it is time to ask: nothing runs any more, or the time for checkpoints is over."""
        return self._is_open and (not running or time.monotonic() >= self._at)

    def ask(self) -> str:
        """Asks once; returns the scheduler's answer if it refused."""
        self._is_open = False
        refusal = self._job.run_again()
        self.is_granted = not refusal
        return refusal

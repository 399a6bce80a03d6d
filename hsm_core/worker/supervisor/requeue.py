"""Near the end of a job's time: when to ask the scheduler to run it again."""

from __future__ import annotations

import time

from ..job import JobFacts

#: Of the time between warning and end, the share that tasks have for their checkpoints.
_SHARE = 0.6


class Requeue:
    """Begins with the scheduler's warning.

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
        """True when it is time to ask: nothing runs any more, or the time for checkpoints is over."""
        return self._is_open and (not running or time.monotonic() >= self._at)

    def ask(self) -> str:
        """Ask once; what the scheduler answered if it refused."""
        self._is_open = False
        refusal = self._job.run_again()
        self.is_granted = not refusal
        return refusal

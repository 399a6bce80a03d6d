"""How the jobs of a sweep start its workers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hsm_core.schedulers.batch_system import WorkerStart
from hsm_core.store.layout import LaunchPaths, SweepPaths
from hsm_core.store.submission import Submission

#: The file that starts a worker; run by path, see there.
ENTRY = Path(__file__).parent.parent / "worker" / "__main__.py"


@dataclass(frozen=True)
class WorkerStarts:
    """What is the same for all jobs of a sweep.

    Args:
        python: the app's interpreter.
        setup: lines of shell before the worker starts.
        cwd: where the app was started.
        template: the user's own script.
    """

    paths: SweepPaths
    python: str
    setup: tuple[str, ...]
    cwd: Path
    template: Path | None = None

    def of(self, submission: Submission, size: int | None, throttle: int | None) -> WorkerStart:
        """Returns what a submission's script has to do; ``size`` and ``throttle`` as there."""
        return WorkerStart(
            submission.token, size, throttle, (self.python, str(ENTRY), "supervise", str(self.paths.root)),
            submission.name, self.setup, self.cwd, self.paths.logs,
            LaunchPaths.starts(self.paths.hsm / submission.name), self.template,
        )  # fmt: skip

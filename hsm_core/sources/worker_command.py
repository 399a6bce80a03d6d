"""How the jobs of a sweep start its workers, and how these run their tasks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hsm_core.schedulers.batch_system import WorkerStart
from hsm_core.settings import LauncherSettings
from hsm_core.store.layout import LaunchPaths, SweepPaths
from hsm_core.store.submission import Submission, WorkerSpec

#: The file that starts a worker; run by path, see there.
ENTRY = Path(__file__).parent.parent / "worker" / "__main__.py"


@dataclass(frozen=True)
class WorkerStarts:
    """Holds all that is the same for the jobs of a sweep.

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


def job_worker(settings: LauncherSettings, source: str) -> WorkerSpec:
    """Returns the worker that a scheduler starts: its job's GPUs are its slots'.

    Args:
        settings: as they are for its tasks.
        source: the name of the place.
    """
    slots, resources = settings.slots_of_job, settings.resources
    return WorkerSpec(
        source=source,
        slots=slots,
        isolation=settings.isolation,
        threads=resources.cpus_per_task or 1,
        tasks_per_gpu=settings.tasks_per_gpu,
        task_timeout_s=settings.task_timeout_s,
        grace_s=settings.grace_s,
        nice=settings.nice,
        env=dict(settings.env),
        share_gpus=slots > 1,
        warn_s=resources.warn_s,
        max_restarts=resources.max_restarts,
        stderr_to_stdout=resources.is_one_log,
    )

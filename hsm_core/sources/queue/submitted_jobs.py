"""The jobs that a sweep has in a scheduler's queue, for whoever asks about them or ends them."""

from __future__ import annotations

from collections.abc import Sequence

from hsm_core.model import SourceKind
from hsm_core.schedulers.interface import Scheduler
from hsm_core.store.layout import SweepPaths

from ..interface import Handed, Health, Polled
from ..snapshot import Snapshot
from .job_poll import TIMES_GONE, YOUNG_S, JobPoll
from .own_jobs import OwnJobs, idle_jobs, jobs_of_none_but


class SubmittedJobs:
    """A queue as it can be rebuilt from the sweep's directory: it polls and cancels, and submits nothing.

    Args:
        name: the source's.
        times_gone, young_s: see ``JobPoll``.
    """

    kind: SourceKind = "queue"

    def __init__(
        self, name: str, scheduler: Scheduler, paths: SweepPaths, *, times_gone: int = TIMES_GONE,
        young_s: float = YOUNG_S,
    ) -> None:  # fmt: skip
        self.name, self._scheduler = name, scheduler
        self._own = OwnJobs(scheduler, paths)
        self._poll = JobPoll(scheduler, paths, times_gone=times_gone, young_s=young_s)

    def find(self, token: str) -> Handed | None:
        native_id = self._scheduler.find(token)
        return None if native_id is None else Handed(native_id)

    def poll(self, jobs: Snapshot, not_before: float) -> Polled:
        return self._poll.poll(jobs, not_before)

    def tend(self, jobs: Snapshot) -> None:
        self._poll.delete_stuck()

    def cancel(self, jobs: Snapshot, *, at_once: bool = False) -> None:
        names = {name for name, _ in jobs.alive}
        ours = {line.native_id: line for line in jobs.lines if line.native_id and line.name in names}
        self._own.cancel(ours, at_once=at_once)

    def cancel_tasks(self, jobs: Snapshot, tasks: Sequence[int]) -> None:
        self._own.cancel(jobs_of_none_but(jobs, tasks, self._scheduler))

    def remove_idle(self, jobs: Snapshot) -> int:
        return self._own.cancel(idle_jobs(jobs, self._scheduler))

    def health(self) -> Health:
        return Health(trouble=self._poll.trouble)

    def close(self) -> None:
        """Does nothing: submitted jobs are the scheduler's."""

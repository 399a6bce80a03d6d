"""Sets the variables of a task: who it is, and its share of cores and GPUs."""

from __future__ import annotations

import os

from hsm_core.store.submission import WorkerSpec

from ..job import JobFacts
from ..os import threads
from .queue import Pending


class Variables:
    """The variables for the tasks of one worker."""

    def __init__(self, spec: WorkerSpec, sweep_id: str, job: JobFacts) -> None:
        self._spec, self._sweep_id, self._job = spec, sweep_id, job
        self._gpus = _job_gpus(spec) if spec.share_gpus else spec.gpus

    def of(self, pending: Pending, slot: int) -> dict[str, str | None]:
        """Returns the changes for an attempt in a slot; None removes a variable."""
        spec = self._spec
        found: dict[str, str | None] = {
            **threads.task_share(os.environ, spec.threads), **spec.env,
            "HSM_SWEEP_ID": self._sweep_id, "HSM_TASK_ID": str(pending.task),
            "HSM_ATTEMPT": str(pending.attempt), "HSM_SOURCE": spec.source,
        }  # fmt: skip
        if self._job.rank is not None:
            job = f"{self._job.native_id}.{self._job.restart}"
            found.update(self._job.rank.variables(f"{job}.{pending.task}.{pending.attempt}"))
        if self._gpus is not None:
            found["CUDA_VISIBLE_DEVICES"] = self._gpus[slot % len(self._gpus)] if self._gpus else ""
        return found


def _job_gpus(spec: WorkerSpec) -> tuple[str, ...] | None:
    """Returns the GPUs for each slot, of those that the scheduler gave to our job; None if it named none."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return None
    found = [name for name in named.split(",") if name]
    groups = -(-spec.slots // spec.tasks_per_gpu)
    each = max(1, len(found) // groups)
    return tuple(",".join(found[first : first + each]) for first in range(0, len(found), each)) or ()

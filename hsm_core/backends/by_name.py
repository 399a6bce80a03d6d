"""Finds the backend that a launcher names; each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsm_core.errors import BackendError
from hsm_core.schedulers.interface import Scheduler
from hsm_core.store.layout import SweepPaths
from hsm_core.store.state import SweepState
from hsm_core.store.submission import WorkerSpec

from .interface import Backend


@dataclass(frozen=True)
class BackendSettings:
    """What a backend is made from.

    Args:
        python: the interpreter of the workers.
        cwd: where the app was started.
        fields: the launcher's fields.
        fields_of: the launcher's fields as they are for a task, by its number.
    """

    spec: WorkerSpec
    python: str
    cwd: Path
    fields: Mapping[str, Any]
    fields_of: Callable[[int], Mapping[str, Any]]


def make_backend(
    name: str, paths: SweepPaths, settings: BackendSettings, state: SweepState | None = None
) -> Backend:
    """A backend for one sweep.

    Args:
        name: as the launcher's class says.
        state: the sweep; None where there is none yet, for a preview.

    Raises:
        BackendError: there is none of this name.
    """
    if name == "local":
        from .worker_pool import WorkerPool

        return WorkerPool(paths, settings.spec, python=settings.python)
    from .batch_queue import BatchQueue
    from .queue_settings import queue_settings

    if name != "slurm":
        raise BackendError(f"there is no backend '{name}'")
    from .slurm_jobs import SlurmJobs, asked_of_slurm

    fields, slots = settings.fields, settings.spec.slots
    writer = SlurmJobs(paths.root, settings.python, fields["setup"], settings.cwd)
    return BatchQueue(
        paths, state, make_scheduler(name), settings.spec, queue_settings(fields), writer,
        lambda task: asked_of_slurm(settings.fields_of(task), slots),
    )  # fmt: skip


def make_scheduler(name: str) -> Scheduler:
    """The dialect that a submission's ``backend`` names.

    Raises:
        BackendError: there is none of this name.
    """
    if name == "slurm":
        from hsm_core.schedulers.slurm import Slurm

        return Slurm()
    raise BackendError(f"there is no scheduler '{name}'")

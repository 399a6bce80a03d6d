"""The worker of a pool on this machine, from what the user set and what the machine has."""

from __future__ import annotations

from hsm_core.detect.cores import chosen_gpus, usable_cores, why_no_gpus
from hsm_core.errors import ConfigError
from hsm_core.model import counted
from hsm_core.settings import LauncherSettings
from hsm_core.store.submission import WorkerSpec


def pool_worker(settings: LauncherSettings) -> WorkerSpec:
    """Returns how the workers run their tasks: as many at once as there are cores or GPUs, unless it is said.

    Raises:
        ConfigError: the GPUs mean nothing, are too few for the slots, or a task has several ranks.
    """
    gpus, per_gpu = chosen_gpus(settings.gpus), settings.tasks_per_gpu
    cores, wished = usable_cores(), settings.resources.cpus_per_task
    slots = settings.slots
    if slots is None:
        slots = len(gpus) * per_gpu if gpus else max(1, cores // (wished or 1))
    _require_gpus(slots, gpus, per_gpu)
    _refuse_ranks(settings.resources.ranks)
    return WorkerSpec(
        slots=slots,
        isolation=settings.isolation,
        threads=wished or max(1, cores // slots),
        gpus=gpus,
        tasks_per_gpu=per_gpu,
        task_timeout_s=settings.task_timeout_s,
        grace_s=settings.grace_s,
        nice=settings.nice,
        env=dict(settings.env),
    )


def _require_gpus(slots: int, gpus: tuple[str, ...] | None, per_gpu: int) -> None:
    if gpus and slots > len(gpus) * per_gpu:
        raise ConfigError(
            f"{counted(slots, 'slot')} need more than {counted(len(gpus), 'GPU')}"
            f" with {counted(per_gpu, 'task')} on each",
            fix=f"hydra.launcher.tasks_per_gpu={-(-slots // len(gpus))}"
            f"    # or hydra.launcher.slots={len(gpus) * per_gpu}",
        )


def _refuse_ranks(ranks: int) -> None:
    if ranks != 1:
        raise ConfigError(
            f"this launcher can't run a task of {ranks} ranks",
            fix="hydra.launcher.nodes=1 hydra.launcher.tasks_per_node=1",
        )


def gpus_in_vain(settings: LauncherSettings, worker: WorkerSpec) -> tuple[str, ...]:
    """Returns, to be told as ignored, that GPUs were asked for where there is none."""
    is_in_vain = settings.gpus == "auto" and not worker.gpus
    return (f"gpus=auto, as there is no GPU here: {why_no_gpus()}",) if is_in_vain else ()

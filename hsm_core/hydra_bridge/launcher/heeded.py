"""Which of the launcher's fields mean something where its tasks go, and which of them may follow a task."""

from __future__ import annotations

from functools import cache

from hsm_core.schedulers.batch_system import BatchSystem
from hsm_core.schedulers.registry import own_systems

from .fields import LauncherConf

#: Fields that only a scheduler heeds, whichever.
_OF_SCHEDULERS = (
    "walltime", "timeout_min", "nodes", "tasks_per_node", "mem_gb", "gpus_per_node", "queue", "partition",
    "account", "priority", "array_parallelism", "resources", "directives", "mode", "max_array_size",
    "tasks_per_job", "mail_user", "mail_type", "setup", "setup_strict",
)  # fmt: skip
_OF_SUBMITIT = ("submitit_folder", "use_srun")
_OF_SWEEP = {
    "mode", "tasks_per_job", "array_parallelism", "max_array_size", "setup", "setup_strict", "max_num_timeout",
    "flavour", "template",
}  # fmt: skip


def meaningless(system: BatchSystem | None) -> tuple[str, ...]:
    """Returns the fields that mean nothing where tasks go, in the order in which they are told.

    Args:
        system: None: a pool on this machine.
    """
    of_some = frozenset[str]().union(*(one.fields for one in own_systems()))
    heeded = frozenset[str]() if system is None else system.fields
    others = tuple(name for name in LauncherConf.__dataclass_fields__ if name in of_some - heeded)
    return (*(_OF_SCHEDULERS if system is None else ("gpus",)), *others, *_OF_SUBMITIT)


def may_follow_task(field: str) -> bool:
    """Whether a field may differ from task to task: what a job asks for, in another package's own fields too.

    All other fields say how the whole sweep goes or is divided.
    """
    return field in _of_task() or field not in LauncherConf.__dataclass_fields__


@cache
def _of_task() -> frozenset[str]:
    return frozenset({"cpus_per_task", *meaningless(None)}) - _OF_SWEEP

"""What the launcher's fields mean for the way from tasks to jobs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hsm_core.errors import ConfigError

_MODES = ("auto", "array", "individual")


@dataclass(frozen=True)
class QueueSettings:
    """How tasks become jobs.

    Args:
        mode: ``array``, ``individual`` or ``auto``.
        tasks_per_job: tasks that one job runs.
        parallelism: jobs, and elements of arrays, at once; None is no limit.
        max_array_size: at most so many elements an array; None: what the scheduler says.
    """

    mode: str = "auto"
    tasks_per_job: int = 1
    parallelism: int | None = None
    max_array_size: int | None = None


def queue_settings(fields: Mapping[str, Any]) -> QueueSettings:
    """Read the launcher's fields.

    Raises:
        ConfigError: one of them has a value that means nothing.
    """
    mode = fields["mode"]
    if mode not in _MODES:
        raise ConfigError(
            f"hydra.launcher.mode={mode} must be one of {', '.join(_MODES)}", fix="hydra.launcher.mode=auto"
        )
    settings = QueueSettings(
        mode=mode,
        tasks_per_job=_at_least_one(fields, "tasks_per_job") or 1,
        parallelism=_at_least_one(fields, "array_parallelism"),
        max_array_size=_at_least_one(fields, "max_array_size"),
    )
    if fields["detach"] and mode == "individual" and settings.parallelism is not None:
        raise ConfigError(
            "a detached launcher can't limit how many single jobs run at once",
            fix="hydra.launcher.mode=array    # or hydra.launcher.detach=false",
        )
    return settings


#: Below it, memory would be rounded to zero, which is all of a node's in Slurm's words.
_LEAST_GB = 1 / 1024


def check_amounts(fields: Mapping[str, Any]) -> None:
    """Refuse amounts that no scheduler would take for what they say.

    Raises:
        ConfigError: nothing, or less than nothing, is asked for.
    """
    for name in ("nodes", "tasks_per_node", "cpus_per_task", "cpus_per_gpu", "gpus_per_task", "timeout_min"):
        _at_least_one(fields, name)
    if fields["gpus_per_node"] is not None and fields["gpus_per_node"] < 0:
        told = f"hydra.launcher.gpus_per_node={fields['gpus_per_node']} must be at least 0"
        raise ConfigError(told, fix="hydra.launcher.gpus_per_node=1")
    if fields["mem_gb"] is not None and not _LEAST_GB <= fields["mem_gb"] < math.inf:
        told = f"hydra.launcher.mem_gb={fields['mem_gb']} must be a number of GiB, at least 0.001"
        raise ConfigError(told, fix="hydra.launcher.mem_gb=1")


def for_slots(fields: Mapping[str, Any], slots: int, name: str, share: int = 1) -> Any:
    """What a job with several slots asks for, of something that the field names for one task.

    Args:
        share: tasks that share one of it.
    """
    value = fields[name]
    return value if value is None or slots == 1 else value * -(-slots // share)


def cores_for_slots(fields: Mapping[str, Any], slots: int) -> int | None:
    """Cores of a job: those of its tasks at once; one for each that names none, if nothing else says how many."""
    own_words = ("resources", "directives", "additional_parameters", "select", "cpus_per_gpu")
    if slots == 1 or fields["cpus_per_task"] is not None or any(fields.get(name) for name in own_words):
        found: int | None = for_slots(fields, slots, "cpus_per_task")
        return found
    return slots


def _at_least_one(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields[name]
    if value is not None and value < 1:
        raise ConfigError(f"hydra.launcher.{name}={value} must be at least 1", fix=f"hydra.launcher.{name}=1")
    return None if value is None else int(value)


def time_stays(is_own: bool) -> str:
    """What to say where a job gets more to do, and no more time for it.

    Args:
        is_own: its time is asked for in the scheduler's own words.
    """
    if is_own:
        return "each for the time that your own words ask for: that stays, is it enough?"
    return "each with the site's default walltime; to ask for more: hydra.launcher.walltime=…"

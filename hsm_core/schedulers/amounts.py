"""What the launcher's amounts for one task mean for a job, which may run several of them at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hsm_core.errors import ConfigError

#: Below it, memory would be rounded to zero, which is all of a node's in Slurm's words.
_LEAST_GB = 1 / 1024


def check_amounts(fields: Mapping[str, Any]) -> None:
    """Refuse amounts that no scheduler would take for what they say.

    Raises:
        ConfigError: nothing, or less than nothing, is asked for.
    """
    for name in ("nodes", "tasks_per_node", "cpus_per_task", "cpus_per_gpu", "gpus_per_task", "timeout_min"):
        at_least_one(fields, name)
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


def at_least_one(fields: Mapping[str, Any], name: str) -> int | None:
    """Returns a field that counts something.

    Raises:
        ConfigError: it is below one.
    """
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

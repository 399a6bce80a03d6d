"""The launcher's fields as plain values, as far as they are the same for the whole sweep."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig

from hsm_core.errors import ConfigError

from .recorded_fields import defaults, fields_written
from .references import OF_TASK, is_of_tasks
from .resolve_reference import resolved


def fields_of_sweep(config: DictConfig) -> dict[str, Any]:
    """Read the fields of a run; one that refers to what a task may set is as where nobody sets it.

    Args:
        config: the whole one, Hydra's part of it too.

    Raises:
        ConfigError: a field can't be resolved, or two contradict each other.
    """
    return {
        name: _of_sweep(config, name, value)
        for name, value in fields_written(config).items() if name != "_target_"
    }  # fmt: skip


def _of_sweep(config: DictConfig, name: str, value: Any) -> Any:
    if value is None:
        return None  # perhaps another name for it counts
    if name not in OF_TASK or not is_of_tasks(value):
        return resolved(config, name)
    usual = defaults()[name]
    unset = None if str(usual).startswith("${") else usual
    if name != "cpus_per_task":
        return unset
    try:
        return resolved(config, name)  # for a pool of this machine, whose tasks share it
    except ConfigError:
        return unset

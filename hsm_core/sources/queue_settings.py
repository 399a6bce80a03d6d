"""What the launcher's fields mean for the way from tasks to jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hsm_core.errors import ConfigError
from hsm_core.schedulers.amounts import at_least_one

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
        tasks_per_job=at_least_one(fields, "tasks_per_job") or 1,
        parallelism=at_least_one(fields, "array_parallelism"),
        max_array_size=at_least_one(fields, "max_array_size"),
    )
    if fields["detach"] and mode == "individual" and settings.parallelism is not None:
        raise ConfigError(
            "a detached launcher can't limit how many single jobs run at once",
            fix="hydra.launcher.mode=array    # or hydra.launcher.detach=false",
        )
    return settings

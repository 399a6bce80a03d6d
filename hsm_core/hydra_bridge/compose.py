"""Composes the config of one task, as Hydra's own launchers do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, open_dict


def task_config(
    loader: Any, master: DictConfig, overrides: Sequence[str], number: int, job_id: str
) -> DictConfig:
    """The config that Hydra gives task ``number``.

    Args:
        loader: Hydra's config loader, of the sweep's context.
        master: the config that the sweep was started with; what it has resolved (``${now:}``) is kept.
        overrides: of this task.
        job_id: becomes ``hydra.job.id``.
    """
    config: DictConfig = loader.load_sweep_config(master, list(overrides))
    with open_dict(config):
        config.hydra.job.id = job_id
        config.hydra.job.num = number
    return config

"""Hides the values of ``hydra.launcher.env`` in what Hydra writes down: those files are for everybody to read."""

from __future__ import annotations

import re
from pathlib import Path

from omegaconf import DictConfig, open_dict, read_write

from hsm_core.model import HIDDEN

from .config import as_typed

_SET = re.compile(r"([+~]*hydra\.launcher\.env(?:\.[^=]*)?=).*", re.DOTALL)


def has_secrets(config: DictConfig) -> bool:
    """Returns whether a config sets variables for its tasks."""
    return "env" in config.hydra.launcher and bool(config.hydra.launcher.env)


def close_to_others(config: DictConfig, directory: Path) -> None:
    """Makes the folder private in which Hydra is going to save the config of a task."""
    if config.hydra.output_subdir is not None:
        folder = directory / str(config.hydra.output_subdir)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)


def hide_secrets(config: DictConfig) -> None:
    """Changes a config before Hydra saves it, as a task's ``hydra.yaml``; tasks have the values all the same."""
    if not has_secrets(config):
        return
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.launcher.env = dict.fromkeys(config.hydra.launcher.env, HIDDEN)
        config.hydra.overrides.hydra = [
            _SET.sub(rf"\g<1>{HIDDEN}", text) for text in as_typed(config.hydra.overrides.hydra)
        ]

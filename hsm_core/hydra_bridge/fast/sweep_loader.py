"""Lets any sweeper compose its tasks as fast as workers do; Hydra's own composes each, to see that it can be."""

from __future__ import annotations

import os
import threading
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf

from .group_cache import Skeletons


class SweepLoader:
    """Hydra's config loader, but that what tasks have in common is composed once.

    What it composes, and which errors it raises, is Hydra's. A copy of it, also a pickled one, is Hydra's loader.

    Args:
        loader: Hydra's; all but ``load_sweep_config`` is asked of it.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._one_at_a_time = threading.RLock()
        self._process = os.getpid()
        self._master: DictConfig | None = None
        self._seen: object = None
        self._skeletons: Skeletons | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def __reduce__(self) -> tuple[object, ...]:
        return _itself, (self._loader,)

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """The config of a task.

        Args:
            master_config: that of the sweep.
            sweep_overrides: the task's own.

        Raises:
            HydraException, OmegaConfBaseException: as Hydra says that there is none.
        """
        if os.getpid() == self._process:  # a forked process would use the skeletons up
            with self._one_at_a_time:
                self._look_at(master_config)
                if self._skeletons is not None:
                    self._skeletons.expect(sweep_overrides)
                    return self._skeletons.compose(sweep_overrides)
        return self._loader.load_sweep_config(master_config, sweep_overrides)

    def _look_at(self, master: DictConfig) -> None:
        """Begin again with another sweep, or one that is not as it was when the skeletons were made."""
        seen = _what_counts(master)
        if self._master is not master or self._seen != seen:
            self._master, self._seen = master, seen
            self._skeletons = None if seen is None else Skeletons(self._loader, master)


def sweep_loader(loader: ConfigLoader | SweepLoader) -> Any:
    """The fast one for a loader, which may be one already."""
    return loader if isinstance(loader, SweepLoader) else SweepLoader(loader)


def hydras_loader(loader: ConfigLoader | SweepLoader) -> ConfigLoader:
    """The loader that Hydra made."""
    return loader._loader if isinstance(loader, SweepLoader) else loader


def _what_counts(master: DictConfig) -> object:
    """Returns what Hydra takes for each task from the sweep's config and the process; None if only it knows."""
    try:
        overrides = OmegaConf.to_container(master.hydra.overrides.hydra)
        return str(master.hydra.job.config_name), str(overrides), os.getcwd()
    except Exception:  # noqa: BLE001  whatever it is, Hydra will say so
        return None


def _itself(loader: ConfigLoader) -> ConfigLoader:
    return loader

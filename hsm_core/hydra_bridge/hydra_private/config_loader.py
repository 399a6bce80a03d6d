"""Takes the steps by which Hydra composes a task's config, one by one, and makes a loader for other directories.

Hydra has one public step, ``load_sweep_config``, which does all of it anew for each task, at ten times the cost.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

import hydra
from omegaconf import DictConfig, OmegaConf, open_dict

from hsm_core.errors import ConfigError

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.config_search_path import ConfigSearchPath
    from hydra.core.override_parser.types import Override

#: The lines of Hydra whose ways were compared with ours, config for config.
COMPARED = ("1.3.", "1.4.")
#: What is taken from a config loader, and from Hydra's modules.
_OF_LOADER = ("_apply_overrides_to_config", "_parse_overrides_and_create_caching_repo")
_IMPL, _DEFAULTS = "hydra._internal.config_loader_impl", "hydra._internal.defaults_list"


@dataclass
class ComposingSteps:
    """The steps of Hydra's config loader for the tasks of a sweep.

    Args:
        master: the config that the sweep was started with.
    """

    master: DictConfig
    _apply: Callable[[list[Override], DictConfig], None]
    _parse: Callable[[str | None, list[str]], tuple[list[Override], object]]
    _repository: object = None

    @classmethod
    def of(cls, loader: ConfigLoader, master: DictConfig) -> ComposingSteps | None:
        """Returns those of a loader; None for one that is not Hydra's own, or of a release that has others."""
        own = getattr(_module(_IMPL), "ConfigLoaderImpl", None)
        is_own = own is not None and getattr(type(loader), "load_sweep_config", None) is own.load_sweep_config
        is_known = hydra.__version__.startswith(COMPARED) and hasattr(_module(_DEFAULTS), "Overrides")
        steps = [getattr(loader, name) for name in _OF_LOADER if hasattr(loader, name)]
        return cls(master, *steps) if is_own and is_known and len(steps) == len(_OF_LOADER) else None

    def values_of(self, parsed: Sequence[Override]) -> list[Override]:
        """Returns those of parsed overrides that set values; the others choose config groups.

        ``hydra.searchpath`` of the primary config counts, as nothing public lets it.

        Raises:
            Exception: whatever is wrong with the overrides, or with these steps.
        """
        if self._repository is None:
            name, overrides = self.master.hydra.job.config_name, self.master.hydra.overrides.hydra
            typed = OmegaConf.to_container(overrides, resolve=False)
            _, self._repository = self._parse(name, typed if isinstance(typed, list) else [])
        kinds = importlib.import_module(_DEFAULTS).Overrides(self._repository, list(parsed))
        found: list[Override] = kinds.config_overrides
        return found

    def set_value(self, override: Override, config: DictConfig) -> None:
        """Sets a value in a composed config.

        Raises:
            Exception: as Hydra refuses it, or with these steps.
        """
        self._apply([override], config)

    def fill(self, config: DictConfig, parsed: Sequence[Override]) -> DictConfig:
        """Does what the loader does after it has set the values: Hydra's own nodes."""
        job, task = config.hydra.job, config.hydra.overrides.task
        task.clear()
        for one in parsed:
            task.append(one.input_line)
        with open_dict(config.hydra):
            for name in job.env_copy:
                job.env_set[name] = os.environ[name]
        if hydra.__version__.startswith("1.3."):  # a resolver does it since 1.4
            how = job.config.override_dirname
            job.override_dirname = importlib.import_module(_IMPL).get_overrides_dirname(
                overrides=parsed, kv_sep=how.kv_sep, item_sep=how.item_sep, exclude_keys=how.exclude_keys,
            )  # fmt: skip
        OmegaConf.copy_cache(from_config=self.master, to_config=config)
        return config


def loader_for(search_path: ConfigSearchPath, like: ConfigLoader) -> ConfigLoader:
    """Makes a config loader that reads other directories than ``like``, one of Hydra's, does.

    Raises:
        ConfigError: this release makes its loaders in a way of its own.
    """
    make: Callable[..., ConfigLoader] = type(like)
    try:
        return make(config_search_path=search_path)
    except TypeError as error:
        raise ConfigError(
            f"Hydra {hydra.__version__} can't read configs from a snapshot", evidence=str(error),
            fix="hydra.launcher.code=live    # tasks read the app's own directory",
        ) from error  # fmt: skip


def _module(name: str) -> ModuleType | None:
    """Returns a module of Hydra's; None where a release has moved it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None

"""Hands Hydra the configs of launchers and sweepers, each built when it is first chosen.

``ConfigStore.store`` builds at once what it is given: ours would cost each Hydra app 25 ms at its start, and 5 are
allowed. So they come as files do, from an entry of the search path, ``hsm://``.
"""

from __future__ import annotations

import builtins
import copy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING

from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource

if TYPE_CHECKING:
    from omegaconf import DictConfig

SCHEME = "hsm"


@dataclass(frozen=True)
class _Offer:
    module: str
    kind: str
    before_load: Callable[[FrameType], None] | None


_offers: dict[str, _Offer] = {}


def offer(
    group: str, name: str, module: str, kind: str, before_load: Callable[[FrameType], None] | None = None
) -> None:
    """Offers the dataclass ``module.kind`` as the config ``group/name``; it is imported when Hydra loads that.

    For launchers of other packages, too: ``offer("hydra/launcher", "hsm_mine", "my_package.fields", "MyConf")``.

    Args:
        before_load: called with a frame below Hydra's whenever it loads the config.
    """
    _offers[f"{group}/{name}"] = _Offer(module, kind, before_load)


class HsmConfigSource(ConfigSource):
    """``hsm://``: the configs that were offered."""

    @staticmethod
    def scheme() -> str:
        return SCHEME

    def available(self) -> bool:
        return True

    def is_config(self, config_path: str) -> bool:
        return _normal(config_path) in _offers

    def is_group(self, config_path: str) -> bool:
        return any(_below(config_path))

    def load_config(self, config_path: str) -> ConfigResult:
        found = _offers.get(_normal(config_path))
        if found is None:
            raise ConfigLoadError(f"hsm has no config {config_path}")
        if found.before_load is not None:
            found.before_load(sys._getframe())
        config = copy.deepcopy(_built(found.module, found.kind))
        return ConfigResult(self.provider, self.full_path(), config, header={"package": None})

    def list(self, config_path: str, results_filter: ObjectType | None) -> builtins.list[str]:
        below = _below(config_path)
        groups = {path.partition("/")[0] for path in below if "/" in path}
        configs = {path for path in below if "/" not in path}
        by_kind = {ObjectType.GROUP: groups, ObjectType.CONFIG: configs, None: groups | configs}
        return sorted(by_kind.get(results_filter, ()))


def _normal(path: str) -> str:
    return path.rstrip("/").removesuffix(".yaml")


def _below(group: str) -> list[str]:
    """Returns the offered configs in a group or in groups of it, relative to it."""
    start = f"{group.strip('/')}/".lstrip("/")
    return [path.removeprefix(start) for path in _offers if path.startswith(start)]


@cache
def _built(module: str, kind: str) -> DictConfig:
    """Builds the config of a dataclass.

    Its dicts (``env``) take keys that they do not have yet without a ``+``: that is what they are for. So does
    the node: Hydra would tell the first unknown field alone, without what was meant; we refuse all at once.
    """
    from omegaconf import DictConfig, OmegaConf

    built: DictConfig = OmegaConf.structured(getattr(import_module(module), kind))
    for name in map(str, built):
        field = None if OmegaConf.is_interpolation(built, name) else built[name]
        if isinstance(field, DictConfig):
            OmegaConf.set_struct(field, False)
    OmegaConf.set_struct(built, False)
    return built

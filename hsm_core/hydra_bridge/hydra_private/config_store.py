"""Puts configs into Hydra's config store that are built when Hydra loads them: others do not pay for it.

``ConfigStore.store`` builds at once what it is given: ours would cost each Hydra app 40 ms at its start, and 5 are
allowed. Where a release keeps its nodes otherwise than we know, they are stored so all the same.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING

from hydra.core.config_store import ConfigNode, ConfigStore

if TYPE_CHECKING:
    from omegaconf import DictConfig

_FIELDS = {"name", "node", "group", "package", "provider"}


class LateNode(ConfigNode):
    """A node of Hydra's config store whose dataclass is imported when Hydra loads it.

    Args:
        module, kind: where the dataclass is.
        before_load: called with Hydra's frame whenever it loads the node.
    """

    def __init__(
        self, name: str, group: str, module: str, kind: str, before_load: Callable[[FrameType], None] | None
    ) -> None:
        self._module, self._kind, self._before_load = module, kind, before_load
        self._built: DictConfig | None = None
        self.name, self.group, self.package, self.provider = name, group, None, "hsm"

    @property
    def node(self) -> DictConfig:
        if self._before_load is not None:
            self._before_load(sys._getframe(1))
        if self._built is None:
            self._built = _built(self._module, self._kind)
        return self._built

    @node.setter
    def node(self, value: DictConfig) -> None:
        self._built = value


def offer(
    group: str, name: str, module: str, kind: str, before_load: Callable[[FrameType], None] | None = None
) -> bool:
    """Stores the dataclass ``module.kind`` as ``group/name``, as ``ConfigStore.store`` does, but unbuilt.

    For launchers of other packages, too: ``offer("hydra/launcher", "hsm_mine", "my_package.fields", "MyConf")``.

    Args:
        before_load: called with Hydra's frame whenever it loads the config.

    Returns:
        False where it had to be built at once, so that ``before_load`` is never called.
    """
    store = ConfigStore.instance()
    place = getattr(store, "repo", None)
    if not isinstance(place, dict) or {field.name for field in fields(ConfigNode)} != _FIELDS:
        store.store(name=name, node=_built(module, kind), group=group, provider="hsm")
        return False
    for part in group.split("/"):
        place = place.setdefault(part, {})
    place[f"{name}.yaml"] = LateNode(f"{name}.yaml", group, module, kind, before_load)
    return True


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

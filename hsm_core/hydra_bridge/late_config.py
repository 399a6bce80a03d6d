"""Configs that are built when they are first chosen, so that apps that choose others do not pay for them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from hydra.core.config_store import ConfigNode, ConfigStore
from omegaconf import OmegaConf


class LateNode(ConfigNode):
    """A node of Hydra's config store whose dataclass is imported when Hydra loads it.

    Args:
        module, kind: where the dataclass is.
    """

    def __init__(self, name: str, group: str, module: str, kind: str) -> None:
        self._module, self._kind, self._built = module, kind, None
        self.name, self.group, self.package, self.provider = name, group, None, "hsm"

    @property
    def node(self) -> Any:
        if self._built is None:
            self._built = OmegaConf.structured(getattr(import_module(self._module), self._kind))
        return self._built

    @node.setter
    def node(self, value: Any) -> None:
        self._built = value


def offer(group: str, name: str, module: str, kind: str) -> None:
    """Store ``module.kind`` as ``group/name``, as ``ConfigStore.store`` does, but unbuilt."""
    place = ConfigStore.instance().repo
    for part in group.split("/"):
        place = place.setdefault(part, {})
    place[f"{name}.yaml"] = LateNode(f"{name}.yaml", group, module, kind)

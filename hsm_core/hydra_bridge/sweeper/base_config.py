"""Shows the composed config to expressions and error messages: which keys and groups exist."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from hydra.core.config_loader import ConfigLoader
from hydra.core.object_type import ObjectType
from omegaconf import DictConfig, DictKeyType, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hsm_core.errors import ConfigError
from hsm_core.overrides import key_of
from hsm_core.plan.axis import Row

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")


class BaseConfig:
    """The config without the sweep, as ``exclude`` reads it.

    Args:
        config: as Hydra composed it for the sweep.
        variants: overrides of swept config groups, each with the config that they make; asked once.
    """

    def __init__(self, config: DictConfig, variants: Callable[[], Iterable[tuple[Row, DictConfig]]]) -> None:
        self._config, self._variants = config, variants
        self._seen: list[tuple[Row, DictConfig]] | None = None

    def value(self, key: str) -> object:
        """Returns a base value that stands in the config, is not computed, and is not changed by a swept group.

        Raises:
            KeyError: there is no such key.
            ConfigError: it is a section, missing, refers to other keys, or a swept group changes it.
        """
        found = select(self._config, key)
        if isinstance(found, (DictConfig, ListConfig)):
            inside = [name for name in config_keys(self._config) if name.startswith(f"{key}.")]
            fix = (
                f"name a key in it, such as: {', '.join(inside[:3])}" if inside else "name a key with a value"
            )
            raise ConfigError(f"'{key}' is a section, not a value", fix=fix)
        if self._seen is None:
            self._seen = list(self._variants())
        for row, config in self._seen:
            now = _select_or_none(config, key)
            if now != found or type(now) is not type(found):
                raise ConfigError(
                    f"the sweep itself changes '{key}': {found!r} without it, {now!r} with {' '.join(row)}",
                    fix=f"\"{_condition(row)}\"    # the group that is swept",
                )
        return found

    def keys(self) -> Iterator[str]:
        return config_keys(self._config)


def _condition(row: Row) -> str:
    """Returns a condition that is true for a choice of groups: ``data == 'big'``."""
    pairs = [(key_of(text).replace("/", "."), text.partition("=")[2]) for text in row]
    return " and ".join(f"{key} == {value if _NUMBER.fullmatch(value) else repr(value)}" for key, value in pairs)


def _select_or_none(config: DictConfig, key: str) -> object:
    try:
        return select(config, key)
    except (KeyError, ConfigError):
        return None


def select(config: DictConfig, key: str) -> object:
    """Returns the value of ``key`` without following references."""
    parent: DictConfig | ListConfig = config
    parts = key.split(".")
    for place, part in enumerate(parts):
        if isinstance(parent, ListConfig) and part.isdigit() and int(part) < len(parent):
            step: int | str = int(part)
        elif isinstance(parent, DictConfig) and part in parent and (place or part != "hydra"):
            step = part
        else:
            raise KeyError(key)
        if OmegaConf.is_interpolation(parent, step) or OmegaConf.is_missing(parent, step):
            what = "not set (???)" if OmegaConf.is_missing(parent, step) else "computed from other keys"
            raise ConfigError(f"'{'.'.join(parts[: place + 1])}' is {what}", fix="name a key with a value")
        found: object = parent[int(step)] if isinstance(parent, ListConfig) else parent[step]
        if place == len(parts) - 1:
            return found
        if not isinstance(found, (DictConfig, ListConfig)):
            raise KeyError(key)
        parent = found
    return parent


def config_keys(config: DictConfig) -> Iterator[str]:
    """Yields all dotted keys of the app's config."""
    for key in config:
        if key != "hydra":
            yield str(key)
            yield from _below(config, key, str(key))


def _below(parent: DictConfig, key: DictKeyType, path: str) -> Iterator[str]:
    if OmegaConf.is_missing(parent, key) or (
        isinstance(key, (int, str)) and OmegaConf.is_interpolation(parent, key)
    ):
        return
    try:
        child = parent[key]
    except OmegaConfBaseException:
        return
    if isinstance(child, DictConfig):
        for name in child:
            yield f"{path}.{name!s}"
            yield from _below(child, name, f"{path}.{name!s}")


def config_groups(loader: ConfigLoader, parent: str = "") -> Iterator[str]:
    """Yields all config groups of the app."""
    for name in loader.list_groups(parent):
        path = f"{parent}/{name}" if parent else name
        if path != "hydra":
            yield path
            yield from config_groups(loader, path)


def options(loader: ConfigLoader, group: str) -> list[str]:
    """Returns the choices of a config group; none if there is no such group."""
    return list(loader.get_group_options(group, results_filter=ObjectType.CONFIG))

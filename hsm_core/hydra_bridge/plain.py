"""Values of a config without OmegaConf."""

from __future__ import annotations

import sys

from omegaconf import DictConfig, OmegaConf


def plain(value: object) -> object:
    """Returns a value as text, number, list or dict, what it refers to resolved."""
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def as_written(config: DictConfig) -> dict[str, object]:
    """Returns a config as a dict, in which references stay as they were written."""
    return dict_of(OmegaConf.to_container(config, resolve=False))


def typed_overrides(config: DictConfig, kind: str) -> tuple[str, ...]:
    """Returns the overrides of a command line, ``hydra`` or ``task``, with references as typed."""
    return tuple(map(str, list_of(as_written(config.hydra.overrides)[kind])))


def dict_of(value: object) -> dict[str, object]:
    """Returns a value that is known to be a dict."""
    assert isinstance(value, dict), value
    return value


def list_of(value: object) -> list[object]:
    """Returns a value that is known to be a list."""
    assert isinstance(value, list), value
    return value


def flow(value: object) -> str:
    """Returns a plain value as YAML in one line: ``{seed: [1, 2]}``."""
    import yaml

    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=sys.maxsize)
    return text.removesuffix("...\n").strip()

"""Says which field of the launcher refers to what the config does not have, where Hydra would show a traceback."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException

from hsm_core.errors import ConfigError
from hsm_core.plan.suggest import closest

from .run_settings import plain


def require_references(config: DictConfig) -> None:
    """Refuse a field that can't be resolved.

    Args:
        config: the whole one, Hydra's part of it too.

    Raises:
        ConfigError: there is one.
    """
    for name in config.hydra.launcher:
        resolved(config, str(name))


def resolved(config: DictConfig, name: str) -> Any:
    """The launcher's field as plain values, what it refers to resolved.

    Raises:
        ConfigError: it can't be.
    """
    try:
        return plain(config.hydra.launcher[name])
    except OmegaConfBaseException as error:
        written: Any = OmegaConf.to_container(config.hydra.launcher, resolve=False)
        told = str(error).partition("\n")[0]
        overrides = " ".join(config.hydra.overrides.task) or "no overrides"
        raise ConfigError(
            f"hydra.launcher.{name} can't be resolved: {told}",
            evidence=f"{name}={written[name]}, with {overrides}",
            fix=_fix(config, name, error),
        ) from None


def _fix(config: DictConfig, name: str, error: OmegaConfBaseException) -> str:
    if name == "setup":
        return r"$NAME or \${NAME}, for a variable of the shell: ${NAME} is a key of the config"
    quoted = re.search("'(.+?)'", str(error))
    if quoted is None or not isinstance(error, InterpolationKeyError):
        return f"hydra.launcher.{name}=…"
    key = quoted[1]
    if key in os.environ:
        return "${oc.env:" + key + "}, for a variable of the environment"
    meant = closest(key, _keys(OmegaConf.to_container(config, resolve=False)))
    if meant is not None:
        return "${" + meant + "}, if that was meant"
    return f"give the config a key {key}: tasks may change it, but it must be there without them"


def _keys(node: Any, prefix: str = "") -> Iterator[str]:
    """The keys of the app's values, with dots."""
    for key, value in node.items():
        if isinstance(value, dict) and (prefix or key != "hydra"):
            yield from _keys(value, f"{prefix}{key}.")
        elif not isinstance(value, dict):
            yield f"{prefix}{key}"

"""Resolves a field of the launcher, and says which one refers to what the config does not have."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException

from hsm_core.errors import ConfigError
from hsm_core.plan.suggest import closest

from .settings import plain


def resolved(config: DictConfig, name: str) -> Any:
    """The launcher's field as plain values, what it refers to resolved.

    Raises:
        ConfigError: it can't be.
    """
    try:
        return plain(config.hydra.launcher[name])
    except OmegaConfBaseException as error:
        hydra: Any = OmegaConf.to_container(config.hydra, resolve=False)
        written = hydra["launcher"][name]
        told = str(error).partition("\n")[0]
        raise ConfigError(
            f"hydra.launcher.{name} can't be resolved: {told}",
            evidence=f"{name}={written}, with {' '.join(hydra['overrides']['task']) or 'no overrides'}",
            fix=_fix(config, name, str(written), error),
        ) from None


def _fix(config: DictConfig, name: str, written: str, error: OmegaConfBaseException) -> str:
    if name == "setup":
        return r"$NAME or \${NAME}, for a variable of the shell: ${NAME} is a key of the config"
    if of_hydra := re.search(r"\$\{hydra:([\w.]+)\}", written):
        return "${hydra." + of_hydra[1] + "}"
    quoted = re.search("'(.+?)'", str(error))
    if quoted is None or not isinstance(error, InterpolationKeyError):
        return f"hydra.launcher.{name}=…"
    key = quoted[1]
    if key in os.environ:
        return "${oc.env:" + key + "}, for a variable of the environment"
    meant = closest(key, _keys(OmegaConf.to_container(config, resolve=False)))
    if meant is not None:
        return "${" + meant + "}, if that was meant"
    return f"give the config a key {key}"


def _keys(node: Any, prefix: str = "") -> Iterator[str]:
    """The keys of the app's values, with dots."""
    for key, value in node.items():
        if isinstance(value, dict) and (prefix or key != "hydra"):
            yield from _keys(value, f"{prefix}{key}.")
        elif not isinstance(value, dict):
            yield f"{prefix}{key}"

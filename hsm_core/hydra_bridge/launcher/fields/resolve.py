"""The launcher's fields as plain values, as far as they are the same for the whole sweep."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from omegaconf import DictConfig
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException

from hsm_core.errors import ConfigError
from hsm_core.plan.suggest import closest

from ...plain import as_written, dict_of, list_of, plain
from .recorded import defaults, fields_written
from .references import is_of_tasks, may_follow_task


def fields_of_sweep(config: DictConfig) -> dict[str, object]:
    """Read the fields of a run; one that refers to what a task may set is as where nobody sets it.

    Args:
        config: the whole one, Hydra's part of it too.

    Raises:
        ConfigError: a field can't be resolved, or two contradict each other.
    """
    return {
        name: _of_sweep(config, name, value)
        for name, value in fields_written(config).items() if name != "_target_"
    }  # fmt: skip


def _of_sweep(config: DictConfig, name: str, value: object) -> object:
    if value is None:
        return None  # perhaps another name for it counts
    if not may_follow_task(name) or not is_of_tasks(value):
        return resolved(config, name)
    usual = defaults().get(name)
    unset = None if str(usual).startswith("${") else usual
    if name != "cpus_per_task":
        return unset
    try:
        return resolved(config, name)  # for a pool of this machine, whose tasks share it
    except ConfigError:
        return unset


def resolved(config: DictConfig, name: str) -> object:
    """The launcher's field as plain values, what it refers to resolved.

    Raises:
        ConfigError: it can't be.
    """
    try:
        return plain(config.hydra.launcher[name])
    except OmegaConfBaseException as error:
        hydra = as_written(config.hydra)
        written = dict_of(hydra["launcher"])[name]
        typed = map(str, list_of(dict_of(hydra["overrides"])["task"]))
        told = str(error).partition("\n")[0]
        raise ConfigError(
            f"hydra.launcher.{name} can't be resolved: {told}",
            evidence=f"{name}={written}, with {' '.join(typed) or 'no overrides'}",
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
    meant = closest(key, _keys(as_written(config)))
    if meant is not None:
        return "${" + meant + "}, if that was meant"
    return f"give the config a key {key}"


def _keys(node: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    """The keys of the app's values, with dots."""
    for key, value in node.items():
        if isinstance(value, dict) and (prefix or key != "hydra"):
            yield from _keys(value, f"{prefix}{key}.")
        elif not isinstance(value, dict):
            yield f"{prefix}{key}"

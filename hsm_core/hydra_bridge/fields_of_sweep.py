"""The launcher's fields as plain values, as far as they are the same for the whole sweep."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from hsm_core.errors import ConfigError
from hsm_core.model import SYNONYMS

from .fields_referring import OF_TASK, is_of_tasks
from .fields_typed import defaults
from .references import resolved


def fields_of_sweep(config: DictConfig) -> dict[str, Any]:
    """Read the fields of a run; one that refers to what a task may set is as where nobody sets it.

    Args:
        config: the whole one, Hydra's part of it too. Of two names for one thing, it keeps what was said last.

    Raises:
        ConfigError: a field can't be resolved, or two contradict each other.
    """
    _settle_synonyms(config.hydra)
    written: Any = OmegaConf.to_container(config.hydra.launcher, resolve=False)
    return {
        str(name): _of_sweep(config, str(name), value) for name, value in written.items() if name != "_target_"
    }


def _of_sweep(config: DictConfig, name: str, value: Any) -> Any:
    if name not in OF_TASK or not is_of_tasks(value):
        return resolved(config, name)
    usual = defaults()[name]
    unset = None if str(usual).startswith("${") else usual
    if name != "cpus_per_task":
        return unset
    try:
        return resolved(config, name)  # for a pool of this machine, whose tasks share it
    except ConfigError:
        return unset


def _settle_synonyms(hydra: DictConfig) -> None:
    """Of two fields that mean the same, one that is typed puts away another that files set."""
    written: Any = OmegaConf.to_container(hydra, resolve=False)
    typed = {text.lstrip("+~").partition("=")[0] for text in written["overrides"]["hydra"]}
    node = hydra.launcher
    for pair in SYNONYMS:
        said = [
            name for name in pair if f"hydra.launcher.{name}" in typed and written["launcher"][name] is not None
        ]
        if len(said) == 1:
            (other,) = {*pair}.difference(said)
            with read_write(node), open_dict(node):
                node[other] = None

"""Writes the launcher's fields that a sweep began with as overrides, so that it can go on under the same ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields

from omegaconf import DictConfig

from hsm_core.model import SYNONYMS
from hsm_core.overrides import key_of

from ...plain import as_written, dict_of, list_of
from ...value_text import value_text
from .declared import LauncherConf, ResultsConf

#: How one run goes; every other run of the sweep says it anew.
OF_ONE_RUN = frozenset(
    {
        "resume", "retry_failed", "only_tasks", "force", "allow_changed", "detach", "dry_run", "name",
        "description", "tags", "_target_",
    }
)  # fmt: skip
_PLAIN_KEY = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def fields_typed(config: DictConfig) -> tuple[str, ...]:
    """Overrides for what sweep files, presets and the command line set, wherever each was set.

    References such as ``${model.mem}`` stay references, and what comes from the environment comes from it
    anew: those are the fields that still have their default.

    Args:
        config: the master config.
    """
    node = fields_written(config)
    preset = not str(config.hydra.runtime.choices.get("hydra/launcher")).startswith("hsm_")
    plain = defaults()
    return tuple(
        text
        for name, value in node.items()
        if name not in OF_ONE_RUN and value != "???" and (preset or value != plain.get(name, MISSING))
        for text in _overrides(name, value)
    )


def fields_written(config: DictConfig) -> dict[str, object]:
    """The launcher's fields, unresolved; of two that mean the same, one that is typed puts away what files set.

    In the config itself it stays: Hydra 1.4 composes no task whose launcher is another than the sweep's.
    """
    hydra = as_written(config.hydra)
    node = dict_of(hydra["launcher"])
    words = list_of(dict_of(hydra["overrides"])["hydra"])
    typed = {key_of(str(word)) for word in words}
    for pair in SYNONYMS:
        said = [name for name in pair if f"hydra.launcher.{name}" in typed and node[name] is not None]
        if len(said) == 1:
            node |= dict.fromkeys({*pair}.difference(said))
    return node


def _overrides(name: str, value: object) -> Iterator[str]:
    key = f"hydra.launcher.{name}"
    if not isinstance(value, Mapping):
        yield f"++{key}={value_text(value)}"
        return
    odd = {entry: item for entry, item in value.items() if not _PLAIN_KEY.fullmatch(str(entry))}
    for entry, item in value.items():
        if entry not in odd:
            yield f"++{key}.{entry}={value_text(item)}"
    if odd:
        yield f"++{key}={value_text(odd)}"


def defaults() -> dict[str, object]:
    """The launcher's fields where nobody sets them."""
    found = {
        item.name: item.default if item.default_factory is MISSING else item.default_factory()
        for item in fields(LauncherConf)
    }
    return {name: vars(value) if isinstance(value, ResultsConf) else value for name, value in found.items()}

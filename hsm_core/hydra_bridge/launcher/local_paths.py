"""Finds paths of this machine in an app's config: another machine may not have them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from omegaconf import DictConfig

from ..plain import as_written

#: Returns them, each with the key that names it.
Named = Callable[[], Mapping[str, str]]
#: Paths that are looked for; a config with more is no config of paths.
_MOST = 100


def local_paths(config: DictConfig) -> dict[str, str]:
    """Returns the absolute paths that are here, each with a key of the app's config that names it."""
    return _here(_texts({str(name): value for name, value in as_written(config).items() if name != "hydra"}))


def local_paths_of(tasks: Sequence[Sequence[str]]) -> dict[str, str]:
    """Returns those that overrides of tasks name, likewise."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    texts = dict.fromkeys(text for overrides in tasks for text in overrides if "/" in text.partition("=")[2])
    read = OverridesParser.create().parse_overrides(list(texts)[:_MOST])
    found = [(one.key_or_group, one.value()) for one in read if not one.key_or_group.startswith("hydra")]
    return _here(text for name, value in found for text in _texts(value, name))


def _here(texts: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, text in texts:
        if text.startswith("/") and len(found) < _MOST and "\0" not in text and os.path.exists(text):
            found.setdefault(text, key)
    return found


def _texts(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, Sequence):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{key}.{number}")

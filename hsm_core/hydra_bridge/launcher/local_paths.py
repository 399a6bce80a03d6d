"""Finds paths of this machine in an app's config: another machine may not have them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from omegaconf import DictConfig

from ..plain import as_written

#: Returns them by the keys that name them.
Named = Callable[[], Mapping[str, str]]
#: Paths that are looked for; a config with more is no config of paths.
_MOST = 100


def local_paths(config: DictConfig, folders: Sequence[str]) -> dict[str, str]:
    """Returns absolute paths of files and directories that are here, by the keys of the app's config that name them.

    Args:
        folders: that travel with the sweep: what lies in them is not among the paths.
    """
    found: dict[str, str] = {}
    for key, text in _texts({str(name): value for name, value in as_written(config).items() if name != "hydra"}):
        inside = any(text == folder or text.startswith(folder.rstrip("/") + "/") for folder in folders)
        if text.startswith("/") and len(found) < _MOST and not inside and "\0" not in text and os.path.exists(text):
            found[key] = text
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

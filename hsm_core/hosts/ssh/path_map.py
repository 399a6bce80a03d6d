"""Reads ``path_map``: folders of this machine, and where a host has them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class PathPair:
    """A folder of this machine, absolute, and where a host has it: absolute, or ``~/…``."""

    local: str
    remote: str


def read_path_map(value: object) -> tuple[PathPair, ...]:
    """Reads a list such as ``[{local: /data, remote: /scratch/data}]``.

    Raises:
        ValueError: it is none; the message says why.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(f"path_map is not a list: {value!r}")
    pairs = tuple(_pair(one) for one in value)
    folders = [pair.local for pair in pairs]
    twice = [folder for folder in folders if folders.count(folder) > 1]
    if twice:
        raise ValueError(f"path_map has {twice[0]} twice")
    return pairs


def _pair(value: object) -> PathPair:
    names = [field.name for field in fields(PathPair)]
    if not isinstance(value, Mapping) or sorted(map(str, value)) != names:
        raise ValueError(f"path_map has no local and remote: {value}")
    local, remote = (value[name] for name in names)
    for text in (local, remote):
        if not isinstance(text, str) or not text.isprintable() or not text.startswith(("/", "~/")):
            raise ValueError(f"path_map has a path that is not absolute: {text}")
    return PathPair(os.path.normpath(os.path.expanduser(local)), remote.rstrip("/") or "/")

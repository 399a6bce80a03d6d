"""Imports an app with the variables that it was started with, so that ``os.environ["X"] += …`` counts once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager


@contextmanager
def as_at_start(changes: Mapping[str, Sequence[str | None]]) -> Iterator[None]:
    """Restores, until the context ends, variables that the app had changed before it started the sweep.

    Args:
        changes: the value at the app's start, None if there was none; and a digest of what the app made of it.
    """
    now = {name: os.environ.get(name) for name in changes}
    apps = {name: value for name, value in now.items() if digest(value) == changes[name][1]}
    _set({name: changes[name][0] for name in apps})
    try:
        yield
    finally:
        _set(apps)


def digest(value: str | None) -> str:
    """Tells a variable's values apart, without telling one; empty if there is none."""
    return "" if value is None else hashlib.sha256(os.fsencode(value)).hexdigest()


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

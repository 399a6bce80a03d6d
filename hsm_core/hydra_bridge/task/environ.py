"""Imports an app with the variables that it was started with, so that ``os.environ["X"] += …`` counts once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    Environ = MutableMapping[str, str]
else:
    Environ = type(os.environ)


class _MadeOnce(Environ):
    """The environment, where a variable that the app looks for and then sets gets the value of where it was started.

    A run's id or a free port, made up if no variable holds one, is the same in all processes.
    """

    made: ClassVar[dict[str, str]] = {}
    missed: ClassVar[set[str]] = set()

    def __getitem__(self, name: str) -> str:
        try:
            return super().__getitem__(name)
        except KeyError:
            self.missed.add(name)
            raise

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(name, self.made.get(name, value) if name in self.missed else value)


@contextmanager
def as_at_start(changes: Mapping[str, Sequence[str | None]]) -> Iterator[None]:
    """Restores, until the context ends, variables that the app had changed before it started the sweep.

    Args:
        changes: the value at the app's start, None if there was none; and a digest of what the app made of it.
    """
    now = {name: os.environ.get(name) for name in changes}
    apps = {name: value for name, value in now.items() if digest(value) == changes[name][1]}
    _set({name: changes[name][0] for name in apps})
    _MadeOnce.made = {name: value for name, value in apps.items() if value is not None}
    kind = os.environ.__class__
    os.environ.__class__ = _MadeOnce  # type: ignore[assignment]
    try:
        yield
    finally:
        os.environ.__class__ = kind
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

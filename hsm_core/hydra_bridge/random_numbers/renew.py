"""Gives each task random numbers of its own where the app set no seed, and keeps the seeds that it set."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from .find_alive import followed, place_of
from .frameworks import TorchGenerators, renew_tensorflow, silent_generators
from .numpy_generators import NumpyGenerators
from .watch_seeds import Watch


@dataclass(frozen=True)
class _Found:
    """The generators of a process from which others are forked."""

    python: list[random.Random]
    numpy: NumpyGenerators
    torch: TorchGenerators
    unknown: list[object]


class RandomNumbers:
    """The random generators of an app.

    A process forked from one that has imported the app begins with its generators: ``renew`` changes there what
    the app left unseeded. A fresh process needs that only for what starts from a constant everywhere.
    """

    def __init__(self) -> None:
        self._watch = Watch()
        self._state: tuple[object, ...] | None = None
        self._found: _Found | None = None
        self._is_renewed = False

    def about_to_import(self) -> None:
        """Begins to watch seeds, as the app is imported next."""
        self._watch.begin()

    def imported(self) -> None:
        """Stops watching seeds, as the app has been imported, or its import has failed."""
        self._watch.end()
        if self._watch.shared_is_seeded():
            self._state = random.getstate()  # Python itself seeds it anew in forked processes

    def find(self) -> None:
        """Finds the app's generators, before processes are forked."""
        watch = self._watch
        python = [
            one for one in followed(random.Random)
            if isinstance(one, random.Random) and not isinstance(one, random.SystemRandom)
        ]  # fmt: skip
        numpy, torch = NumpyGenerators.find(watch.drawn), TorchGenerators.find(watch.torch_seed)
        unsure = [one for one in python if watch.is_seeded(one) is None]
        self._found = _Found(
            [one for one in python if watch.is_seeded(one) is False], numpy, torch,
            [*unsure, *numpy.unknown, *torch.unknown, *silent_generators()],
        )  # fmt: skip

    def unknown(self) -> list[str]:
        """Returns names and types of generators that the app may or may not have seeded."""
        return sorted(set(map(_named, self._found.unknown))) if self._found is not None else []

    def renew(self) -> None:
        """Draws anew, once a process and before a task runs, what the app left unseeded."""
        if self._is_renewed:
            return
        self._is_renewed = True
        if self._state is not None:
            random.setstate(self._state)
        if self._found is None:
            TorchGenerators.find(self._watch.torch_seed).renew()
            return
        for generator in self._found.python:
            random.Random.seed(generator)
        self._found.numpy.renew()
        self._found.torch.renew()
        renew_tensorflow()


def _named(generator: object) -> str:
    if isinstance(generator, ModuleType):
        return generator.__name__
    kind = f"{type(generator).__module__}.{type(generator).__qualname__}"
    place = next(filter(None, map(place_of, _holders(generator))), "")
    return f"{place} ({kind})" if place else f"a {kind}"


def _holders(generator: object) -> Iterator[object]:
    """Yields a bit generator and what numpy makes of it."""
    yield generator
    numpy_random = sys.modules.get("numpy.random")
    for holder in followed(numpy_random.Generator, numpy_random.RandomState) if numpy_random else ():
        names = ("bit_generator", "_bit_generator")
        if any(getattr(holder, name, None) is generator for name in names):
            yield holder

"""Gathers what is wrong with a sweep, so that its user hears all of it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from hsm_core.errors import ConfigError, ConfigErrors

T = TypeVar("T")


class Faults:
    """The errors found so far, each once."""

    def __init__(self) -> None:
        self.found: list[ConfigError] = []

    def add(self, error: ConfigError) -> None:
        """Keeps an error; one that reads like another is the same."""
        if str(error) not in map(str, self.found):
            self.found.append(error)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keeps an error that the block raises."""
        try:
            yield
        except ConfigError as error:
            self.add(error)

    def attempt(self, step: Callable[[], T], otherwise: T) -> T:
        """Returns what a step returns, or ``otherwise`` if it raises an error, which is kept."""
        with self.gathered():
            return step()
        return otherwise

    def raise_all(self) -> None:
        """Raises the errors found so far.

        Raises:
            ConfigError: the only one, or one that tells them all.
        """
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            raise ConfigErrors("\nerror: ".join(map(str, self.found)))

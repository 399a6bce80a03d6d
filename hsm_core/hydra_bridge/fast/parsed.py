"""Remembers how omegaconf parsed the interpolations that recur from task to task."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import omegaconf
from omegaconf import DictConfig, ListConfig
from omegaconf.errors import GrammarParseError


class ParseTrees:
    """Of interpolations, by their text: a tree depends on nothing else; only what it refers to changes."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}
        self._parse: Any = vars(omegaconf.base)["parse"]

    def learn(self, config: DictConfig) -> None:
        """Remember the interpolations by which Hydra begins a task: those of its own node."""
        for text in set(_interpolations(config.hydra)).difference(self._known):
            with contextlib.suppress(GrammarParseError):  # whoever needs it will be told
                self._known[text] = self._parse(text)

    def parse(self, value: Any, *how: Any, **more: Any) -> Any:
        """What ``omegaconf.base.parse`` gives."""
        if type(value) is str and not how and not more and value in self._known:
            return self._known[value]
        return self._parse(value, *how, **more)


def _interpolations(config: Any) -> Iterator[str]:
    for key in config.keys() if isinstance(config, DictConfig) else range(len(config)):
        node = config._get_node(key)
        if node._is_interpolation():
            yield node._value()
        elif isinstance(node, (DictConfig, ListConfig)) and not (node._is_none() or node._is_missing()):
            yield from _interpolations(node)

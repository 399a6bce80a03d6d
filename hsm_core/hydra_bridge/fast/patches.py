"""Lets Hydra begin a task with quicker copies, texts and parsing; the task's function has the libraries' own."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import omegaconf
import yaml
from omegaconf import DictConfig, ListConfig, base

from .deepcopy import copied
from .parsed import ParseTrees
from .yaml_text import Texts

#: The lines of omegaconf whose copies, texts and parse trees were compared with ours.
COMPARED = ("2.3.", "2.4.")


@contextmanager
def quick(texts: Texts, trees: ParseTrees) -> Iterator[Callable[[], None]]:
    """Until this ends, configs of this process are copied, written and parsed our way.

    Args:
        texts: what is known of the task's config, as text.
        trees: what is known of its interpolations.

    Yields:
        what ends it at once.
    """
    ours = (
        (DictConfig, "__deepcopy__", copied), (ListConfig, "__deepcopy__", copied), (yaml, "dump", texts.dump),
        (base, "parse", trees.parse),
    )  # fmt: skip
    theirs = [(place, name, getattr(place, name)) for place, name, _ in ours]

    def put(methods: Any) -> None:
        for place, name, method in methods:
            setattr(place, name, method)

    if omegaconf.__version__.startswith(COMPARED):
        put(ours)
    try:
        yield lambda: put(theirs)
    finally:
        put(theirs)


@contextmanager
def quick_start(context: Any, texts: Texts, trees: ParseTrees) -> Iterator[Any]:
    """The same until the task begins, with ``on_job_start`` of its callbacks.

    Yields:
        Hydra's context to run the task with. Its function is not wrapped: callbacks see the function, and
        tracebacks only it.
    """
    with quick(texts, trees) as end:
        ours = copy.copy(context)
        ours.callbacks = _EndAtStart(context.callbacks, end)
        yield ours


class _EndAtStart:
    """A context's callbacks."""

    def __init__(self, callbacks: Any, end: Callable[[], None]) -> None:
        self._callbacks, self._end = callbacks, end

    def on_job_start(self, **words: Any) -> None:
        self._end()
        self._callbacks.on_job_start(**words)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._callbacks, name)

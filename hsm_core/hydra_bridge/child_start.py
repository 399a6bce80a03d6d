"""Lets Hydra begin a task with quicker copies, texts and parsing; the task's function has the libraries' own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import omegaconf
import yaml
from omegaconf import DictConfig, ListConfig, base

from .compose_copy import copied
from .compose_parsed import ParseTrees
from .compose_yaml import Texts

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
def quick_start(
    function: Callable[[Any], Any], texts: Texts, trees: ParseTrees
) -> Iterator[Callable[[Any], Any]]:
    """The same until ``function`` is called.

    Yields:
        ``function``, to be called in its place.
    """
    with quick(texts, trees) as end:

        @functools.wraps(function)
        def call(config: Any) -> Any:
            end()
            return function(config)

        yield call

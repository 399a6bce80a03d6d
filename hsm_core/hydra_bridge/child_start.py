"""Lets Hydra begin a task with quicker copies and texts of its config; the task's function has Hydra's own again."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import omegaconf
import yaml
from omegaconf import DictConfig, ListConfig

from .compose_copy import copied
from .compose_yaml import Texts

#: The lines of omegaconf whose copies and texts were compared with ours.
COMPARED = ("2.3.", "2.4.")


@contextmanager
def quick_start(function: Callable[[Any], Any], texts: Texts) -> Iterator[Callable[[Any], Any]]:
    """Until ``function`` is called, or this ends, configs of this process are copied and written our way.

    Args:
        texts: what is known of the task's config, as text.

    Yields:
        ``function``, to be called in its place.
    """
    ours = ((DictConfig, "__deepcopy__", copied), (ListConfig, "__deepcopy__", copied), (yaml, "dump", texts.dump))
    theirs = [(place, name, getattr(place, name)) for place, name, _ in ours]

    def put(methods: Any) -> None:
        for place, name, method in methods:
            setattr(place, name, method)

    @functools.wraps(function)
    def call(config: Any) -> Any:
        put(theirs)
        return function(config)

    if omegaconf.__version__.startswith(COMPARED):
        put(ours)
    try:
        yield call
    finally:
        put(theirs)

"""Lets Hydra begin a task with quicker copies of configs; the task's function has omegaconf's own."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import omegaconf
from omegaconf import DictConfig, ListConfig

from .deepcopy import copied

#: The lines of omegaconf whose copies were compared with ours.
COMPARED = ("2.3.", "2.4.")


@contextmanager
def quick() -> Iterator[Callable[[], None]]:
    """Copies configs of this process our way until this ends.

    Yields:
        what ends it at once.
    """
    places: tuple[Any, ...] = (DictConfig, ListConfig)
    theirs = [place.__deepcopy__ for place in places]

    def put_back() -> None:
        for place, method in zip(places, theirs, strict=True):
            place.__deepcopy__ = method

    if omegaconf.__version__.startswith(COMPARED):
        for place in places:
            place.__deepcopy__ = copied
    try:
        yield put_back
    finally:
        put_back()


@contextmanager
def quick_start(context: Any) -> Iterator[Any]:
    """The same until the task begins, with ``on_job_start`` of its callbacks.

    Yields:
        Hydra's context to run the task with. Its function is not wrapped: callbacks see the function, and
        tracebacks only it.
    """
    with quick() as end:
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

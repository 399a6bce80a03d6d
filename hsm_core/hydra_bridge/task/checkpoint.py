"""Follows submitit's ``checkpoint`` protocol: a task that is warned of its job's end says how to continue."""

from __future__ import annotations

import pickle
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from hsm_core.errors import Checkpointed
from hsm_core.safe_open import MOST_PICKLED, open_own

from .pickling import dumps


def resumed(function: Callable[[object], object], checkpoint: Path, attempt: int) -> Callable[[object], object]:
    """Returns the task function, or the function that an earlier attempt's checkpoint left to be called instead.

    Raises:
        StoreError: the checkpoint is not this user's own.
    """
    if attempt == 1:
        return function
    try:
        stream = open_own(checkpoint, most=MOST_PICKLED)
    except FileNotFoundError:
        return function
    with stream:
        return _Resumed(pickle.load(stream))  # nosec B301  # opened as its user's own


class Delayed(Protocol):
    """``submitit.helpers.DelayedSubmission``."""

    function: Callable[..., object]
    args: Sequence[object]
    kwargs: Mapping[str, object]


class _Resumed:
    """Calls what a checkpoint left; it may write the next one as the task function did the first."""

    def __init__(self, delayed: Delayed) -> None:
        self._delayed = delayed
        again = _checkpoint_of(delayed.function)
        if again is not None:
            self.checkpoint = lambda config: again(*delayed.args, **delayed.kwargs)

    def __call__(self, config: object) -> object:
        return self._delayed.function(*self._delayed.args, **self._delayed.kwargs)


def _checkpoint_of(function: object) -> Callable[..., object] | None:
    """Returns the checkpoint of a function (source: submitit 1.5, ``DelayedSubmission._checkpoint_function``)."""
    found = getattr(function, "__submitit_checkpoint__", None) or getattr(function, "checkpoint", None)
    return found if callable(found) else None


def offer_checkpoint(function: Callable[[object], object], config: object) -> None:
    """Calls ``function.checkpoint(config)``, if there is such a method, when the warning comes.

    What it returns, a ``submitit.helpers.DelayedSubmission`` or nothing, is what the next attempt runs.
    Source: submitit 1.5, docs/checkpointing.md.
    """
    checkpoint = _checkpoint_of(function)
    if checkpoint is None:
        return

    def write(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        print("the job's time is nearly over: writing a checkpoint", file=sys.stderr, flush=True)
        delayed = checkpoint(config)
        raise Checkpointed(None if delayed is None else dumps(delayed))

    signal.signal(signal.SIGUSR2, write)

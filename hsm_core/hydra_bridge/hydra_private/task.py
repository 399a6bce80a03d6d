"""Reads what Hydra keeps of a task that ran, of omegaconf's resolvers, and holds calls of ``@hydra.main`` up."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus
from omegaconf.basecontainer import BaseContainer

if TYPE_CHECKING:
    from hydra.types import TaskFunction
    from omegaconf import DictConfig

#: Fields of ``JobReturn`` for the traceback of another process, since Hydra 1.4, and who makes them.
_TRACES = {
    "_remote_traceback": "_serialize_traceback", "_remote_exception_chain": "_serialize_exception_chain",
    "_remote_exception_group": "_serialize_exception_group",
}  # fmt: skip


def returned(job: JobReturn) -> object:
    """Returns what the task's function returned; what it raised, is raised.

    The public ``return_value`` also prints "Error executing job with overrides" into the task's log.

    Raises:
        BaseException: what the function raised.
    """
    kept = vars(job)
    if "_return_value" not in kept:
        return job.return_value
    if job.status == JobStatus.FAILED:
        raise kept["_return_value"]
    return kept["_return_value"]


def traces(error: BaseException) -> dict[str, object]:
    """Makes the fields of ``JobReturn`` from which Hydra shows a traceback of another process.

    Nothing public makes them. Without them, Hydra shows the error and no lines of the app, as 1.3 always does.
    """
    utils = importlib.import_module("hydra.core.utils")
    if not all(hasattr(utils, maker) and hasattr(JobReturn, field) for field, maker in _TRACES.items()):
        return {}
    trace, *others = (getattr(utils, maker) for maker in _TRACES.values())
    made = [trace(error.__traceback__), *(make(error) for make in others)]
    return dict(zip(_TRACES, made, strict=True))


def take_traces(job: JobReturn, fields: dict[str, object]) -> bool:
    """Gives a job such fields, where its class has them; tells whether Hydra will show a traceback from them."""
    found = {name: value for name, value in fields.items() if hasattr(job, name)}
    for name, value in found.items():
        setattr(job, name, value)
    return any(value is not None for value in found.values())


def resolvers() -> dict[str, object]:
    """Returns the resolvers of this process by name, as ``Singleton.set_state`` takes them.

    ``Singleton.get_state`` has them too, with copies of all other state, in 15 ms.
    """
    found: dict[str, object] | None = getattr(BaseContainer, "_resolvers", None)
    return Singleton.get_state()["omegaconf_resolvers"] if found is None else found


@contextmanager
def main_calls(called: Callable[..., None]) -> Iterator[None]:
    """Redirects, until this ends, calls of functions under ``@hydra.main`` to ours: none starts Hydra.

    Args:
        called: with the function as ``task_function``.
    """
    importlib.import_module("hydra")
    place = sys.modules["hydra.main"]
    private = "_run_hydra"
    with _decorator(place, called) if not hasattr(place, private) else _replaced(place, private, called):
        yield


@contextmanager
def _replaced(place: ModuleType, name: str, by: Callable[..., object]) -> Iterator[None]:
    theirs = getattr(place, name)
    setattr(place, name, by)
    try:
        yield
    finally:
        setattr(place, name, theirs)


@contextmanager
def _decorator(place: ModuleType, called: Callable[..., None]) -> Iterator[None]:
    """Does so in the public way: what is decorated now calls ours while this lasts, then Hydra's."""
    theirs, waiting = place.main, [called]

    def main(*given: object, **named: object) -> Callable[[TaskFunction], Callable[..., object]]:
        decorate = theirs(*given, **named)

        def decorated(task_function: TaskFunction) -> Callable[..., object]:
            hydras = decorate(task_function)

            @functools.wraps(task_function)
            def decorated_main(cfg_passthrough: DictConfig | None = None) -> object:
                if cfg_passthrough is None and waiting:
                    return waiting[0](task_function=task_function)
                return hydras(cfg_passthrough)

            return decorated_main

        return decorated

    try:
        with _replaced(place, "main", main), _replaced(sys.modules["hydra"], "main", main):
            yield
    finally:
        waiting.clear()

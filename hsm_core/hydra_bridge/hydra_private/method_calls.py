"""Passes calls of methods of Hydra's own objects through ours: it tells plugins nothing of these steps.

A release without such a method, or whose method has other parameters, takes the step in its own way.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from hydra.core.plugins import Plugins
    from hydra.plugins.launcher import Launcher
    from hydra.plugins.sweeper import Sweeper
    from omegaconf import DictConfig

T = TypeVar("T")
_OF_MAKERS = ("hydra_context", "task_function", "config")


def pass_through(
    instance: object,
    name: str,
    parameters: Collection[str],
    ours: Callable[[Callable[[], T], Mapping[str, Any]], T],
    *,
    once: bool = True,
) -> None:
    """Passes calls of one method of one object through ours, unless they already are.

    Args:
        parameters: those that ours reads; if the method lacks one, nothing is done.
        ours: called with what does what Hydra would, and the arguments by name.
        once: only the next call; the object is then as it was. Hydra's state is pickled.
    """
    ordinary: Callable[..., T] | None = getattr(instance, name, None)
    if ordinary is None or name in vars(instance) or not _takes(ordinary, parameters):
        return

    def passed(*given: object, **named: object) -> T:
        if once:
            take_back(instance, name)
        arguments = inspect.signature(ordinary).bind(*given, **named).arguments
        return ours(lambda: ordinary(*given, **named), arguments)

    vars(instance)[name] = passed


def take_back(instance: object, *names: str) -> None:
    """Passes no more calls of these methods through ours."""
    for name in names:
        vars(instance).pop(name, None)


def _takes(method: Callable[..., object], parameters: Collection[str]) -> bool:
    try:
        return inspect.signature(method).parameters.keys() >= set(parameters)
    except (TypeError, ValueError):  # no method, or none that is written in Python
        return False


def make_by(plugins: Plugins, kind: str, make: Callable[[DictConfig], Launcher | Sweeper | None]) -> None:
    """Has Hydra ask ``make`` for its launcher or sweeper: it hands plugins their fields resolved.

    It has no hook for fields that refer to what only the tasks' configs have. A Hydra that makes plugins by another
    method makes ours as it does all others, and refuses such a field in its own words.

    Args:
        kind: ``launcher`` or ``sweeper``.
        make: from the sweep's config to one that is not set up yet; None leaves it to Hydra.
    """

    def instantiate(ordinary: Callable[[], object], arguments: Mapping[str, Any]) -> object:
        made = make(arguments["config"])
        if made is None:
            return ordinary()
        made.setup(**{name: arguments[name] for name in _OF_MAKERS})
        return made

    pass_through(plugins, f"instantiate_{kind}", _OF_MAKERS, instantiate, once=False)

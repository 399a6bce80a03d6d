"""Makes a task find its app as it was started: ``__main__.Net``, ``sys.argv``, its function's module."""

from __future__ import annotations

import importlib
import inspect
import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

import cloudpickle

#: Functions and classes of the main module that take more than this many bytes stay behind.
_LIMIT = 2**24
#: What pickling raises for things that can't be pickled; their own methods add to it.
UNPICKLABLE = (TypeError, AttributeError, ValueError, RuntimeError, pickle.PicklingError)


@dataclass(frozen=True)
class MainModule:
    """The main module of the process that started the sweep.

    Args:
        names: its own functions and classes, those that can be pickled.
        attributes: ``__file__`` and such, as far as they are there.
        spec: its name, if it was started with ``python -m``.
        argv: as the app saw it.
    """

    names: dict[str, Any]
    attributes: dict[str, Any]
    spec: str | None
    argv: list[str]

    @classmethod
    def of_this_process(cls) -> MainModule:
        main = sys.modules["__main__"]
        spec = getattr(main, "__spec__", None)
        names = {name: value for name, value in _own(vars(main)) if can_be_pickled(value, _LIMIT)}
        attributes = {
            name: getattr(main, name) for name in ("__file__", "__package__") if hasattr(main, name)
        }
        return cls(names, attributes, spec.name if spec is not None else None, list(sys.argv))

    def restore(self) -> None:
        """Make this process' main module look like it."""
        main = sys.modules["__main__"]
        vars(main).update(self.names)
        vars(main).update(self.attributes)
        for function in self._functions():  # they came by value, with names of a module of their own
            function.__globals__.update(self.attributes)
        main.__spec__ = None if self.spec is None else ModuleSpec(self.spec, None)
        sys.argv[:] = self.argv

    def _functions(self) -> Iterator[Any]:
        """Of the main module itself, also below decorators from elsewhere."""
        for value in self.names.values():
            for layer in _layers(value):
                if inspect.isfunction(layer) and layer.__globals__.get("__name__") == "__main__":
                    yield layer


@dataclass(frozen=True)
class ImportedFunction:
    """A task function that a module holds, under the decorators that wrap it; its process imports the module.

    Args:
        depth: how many decorators (``@hydra.main`` is one) are around it.
    """

    module: str
    qualname: str
    depth: int

    def load(self) -> Callable[[Any], Any]:
        found: Any = importlib.import_module(self.module)
        for name in self.qualname.split("."):
            found = getattr(found, name)
        for _ in range(self.depth):
            found = found.__wrapped__
        function: Callable[[Any], Any] = found
        return function


def imported_function(function: Callable[[Any], Any]) -> ImportedFunction | None:
    """Where a module holds this very function; None if none does, as in a script or for a closure."""
    module, qualname = str(getattr(function, "__module__", "")), str(getattr(function, "__qualname__", ""))
    if module not in sys.modules or not _can_be_imported(module):
        return None
    found: Any = sys.modules[module]
    for name in qualname.split("."):
        found = getattr(found, name, None)
    for depth, layer in enumerate(_layers(found)):
        if layer is function:
            return ImportedFunction(module, qualname, depth)
    return None


def _can_be_imported(module: str) -> bool:
    """True if another process with our ``sys.path`` finds it."""
    top = module.partition(".")[0]
    spec = PathFinder.find_spec(top)
    return spec is not None and spec.origin == getattr(sys.modules.get(top), "__file__", None)


def _layers(found: Any) -> Iterator[Any]:
    while found is not None:
        yield found
        found = getattr(found, "__wrapped__", None)


def _own(names: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in names.items():
        kind = inspect.isclass(value) or inspect.isfunction(value)
        if kind and getattr(value, "__module__", None) == "__main__":
            yield name, value


def can_be_pickled(value: object, limit: float = float("inf")) -> bool:
    """True if pickling works and gives less than ``limit`` bytes."""
    try:
        return len(cloudpickle.dumps(value)) < limit
    except UNPICKLABLE:
        return False

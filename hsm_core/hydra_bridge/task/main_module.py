"""Makes a task find its app as it was started: its main file, ``__main__.Net``, ``sys.argv``, its function."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import inspect
import os
import sys
import types
from collections import deque
from collections.abc import Container, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from ..hydra_private.task import main_calls
from .main_script import read_script
from .python_settings import PythonSettings

if TYPE_CHECKING:
    from hydra.types import TaskFunction

#: Where the worker's own main module stays, once the app's has taken its place.
_WORKER = "__hsm_worker__"


class MainCalled(BaseException):
    """Raised when the main file calls its task function: its import ends there."""


def is_called() -> bool:
    """Returns whether the import just ended at the call of the task function."""
    return sys.exc_info()[0] is MainCalled


class HeldContext:
    """A context manager that the main file entered and that stays open once it calls its task function."""

    _entered: ClassVar[list[object]] = []

    def __init__(self, manager: AbstractContextManager[object]) -> None:
        self._manager = manager

    def __enter__(self) -> object:
        return type(self._manager).__enter__(self._manager)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        if kind is not MainCalled:
            return type(self._manager).__exit__(self._manager, kind, error, traceback)
        self._entered.append(self._manager)
        return False


class MainWords(TypedDict):
    """A ``MainFile`` in JSON."""

    path: str
    module: str
    argv: list[str]
    function: list[str]


@dataclass(frozen=True)
class MainFile:
    """The file that was started, to be imported where tasks run.

    Args:
        path: where it lies, as Python tells it: ``/home/me/conf/../train.py``.
        module: its name, if it was started with ``python -m``; empty for a script.
        argv: ``sys.argv`` as the interpreter made it.
        function: module and qualified name of the sweep's task function, as they tell it from others.
    """

    path: str
    module: str
    argv: list[str]
    function: list[str]

    def to_json(self) -> MainWords:
        return {"path": self.path, "module": self.module, "argv": self.argv, "function": self.function}

    def run(self) -> None:
        """Runs the file as this process's ``__main__``, up to its call of the sweep's task function.

        What stands under ``if __name__ == "__main__":`` is left out, as ``multiprocessing`` does; but names are
        what the app sees under Hydra's basic launcher: of loggers, and of classes in what it pickles.
        """
        module = types.ModuleType("__main__")
        module.__file__, module.__loader__ = self.path, SourceFileLoader("__main__", self.path)
        module.__package__ = None
        vars(module).update(__cached__=None, __builtins__=builtins)
        module.__spec__ = self._spec()
        if module.__spec__ is not None:
            module.__loader__, module.__package__ = module.__spec__.loader, module.__spec__.parent
        sys.modules.setdefault(_WORKER, sys.modules["__main__"])
        sys.modules["__main__"] = sys.modules["__mp_main__"] = module
        sys.argv[:] = self.argv
        with main_calls(self._call), suppress(MainCalled):
            exec(read_script(self.path).code, vars(module))  # nosec B102  # the user's own script

    def _spec(self) -> ModuleSpec | None:
        """Returns what Python knows of a module, and of a folder's or an archive's main file: ``python app.pyz``."""
        if self.module:
            return importlib.util.find_spec(self.module)
        folder, name = os.path.split(self.path)
        is_within = name == "__main__.py" and os.path.basename(self.argv[0]) != name
        return PathFinder.find_spec("__main__", [folder]) if is_within else None

    def _call(self, *, task_function: Any, **_: Any) -> None:
        """Takes the place of the sweep that a call of ``@hydra.main`` starts; ignores other functions."""
        if self.function == identity(task_function):
            raise MainCalled


@dataclass(frozen=True)
class MainState:
    """The state of the main module that a worker can't get by importing the main file.

    Args:
        argv: as the app left it.
        names: of the main module, with their values: what no file defines, or what is bound after the import.
        attributes: ``__file__`` and such where the main file is not imported.
        start_method: of ``multiprocessing``, which takes it along in the same way.
        cwd: where the app was as it called its main function, wherever its import begins.
        changed: names of what the import makes, with what became of it after that.
        python: settings of Python itself.
    """

    argv: list[str]
    names: dict[str, object]
    attributes: dict[str, object]
    start_method: str | None
    cwd: str
    changed: dict[str, object]
    python: PythonSettings

    def restore(self) -> None:
        """Gives this process's main module that state."""
        main = sys.modules["__main__"]
        vars(main).update(self.names)
        vars(main).update(self.attributes)
        for name, value in self.changed.items():
            vars(main)[name] = _changed_to(vars(main).get(name), value)
        for function in self._functions():  # they came by value, with names of a module of their own
            function.__globals__.update(self.attributes)
        sys.argv[:] = self.argv
        self.python.restore()
        if self.start_method is not None:
            importlib.import_module("multiprocessing").set_start_method(self.start_method, force=True)

    def _functions(self) -> Iterator[types.FunctionType]:
        """Yields the functions of the main module itself, also those below decorators from elsewhere."""
        for value in self.names.values():
            while value is not None:
                if inspect.isfunction(value) and value.__globals__.get("__name__") == "__main__":
                    yield value
                value = getattr(value, "__wrapped__", None)


def _changed_to(made: object, value: object) -> object:
    """Gives an object the content of another, if it can take that, as others may refer to it; returns the result."""
    if made is value or type(made) is not type(value):
        return value
    if (isinstance(made, dict) and isinstance(value, dict)) or (isinstance(made, set) and isinstance(value, set)):
        made.clear()
        made.update(value)
    elif isinstance(made, (list, deque)) and isinstance(value, (list, deque)):
        made.clear()
        made.extend(value)
    elif _attributes(made) is None:
        return value
    if _attributes(made) is not None:
        vars(made).clear()
        vars(made).update(vars(value))
    return made


def _attributes(value: object) -> dict[str, object] | None:
    """Returns the attributes of an object; None if it keeps some of them elsewhere."""
    kind = type(value)
    has_slots = any("__slots__" in vars(one) for one in kind.__mro__)
    return None if has_slots else getattr(value, "__dict__", None)


@dataclass(frozen=True)
class NamedFunction:
    """A task function that another process finds by its name, below the decorators that wrap it.

    Args:
        names: of the attributes that lead to it from the module.
        steps: from there through decorators: ``__wrapped__``, or the name of a variable that one closes over.
    """

    module: str
    names: tuple[str, ...]
    steps: tuple[str, ...]

    def load(self) -> TaskFunction:
        """Returns the function; imports its module if need be.

        Raises:
            ImportError, AttributeError, KeyError: it is not there.
        """
        found: object = importlib.import_module(self.module)
        for name in self.names:
            found = getattr(found, name)
        for step in self.steps:
            found = dict(layers(found))[step]
        if not callable(found):
            raise AttributeError(f"{self.module}.{'.'.join(self.names)} is no function")
        return found


def layers(decorated: object) -> Iterator[tuple[str, object]]:
    """Yields each function that a decorator wraps, with the step that leads to it."""
    wrapped = getattr(decorated, "__wrapped__", None)
    if wrapped is not None:
        yield "__wrapped__", wrapped
    if inspect.isfunction(decorated) and decorated.__closure__:
        for name, cell in zip(decorated.__code__.co_freevars, decorated.__closure__, strict=True):
            try:
                inner = cell.cell_contents
            except ValueError:  # not yet bound
                continue
            if callable(inner):
                yield name, inner


def identity(function: object) -> list[str]:
    """Returns module and qualified name of a task function, below its decorators."""
    inner = inspect.unwrap(function) if callable(function) else function
    return [str(getattr(inner, name, "")) for name in ("__module__", "__qualname__")]


def imported_names() -> Container[str]:
    """Returns the names of the main module that the process which started the sweep has too."""
    return vars(sys.modules["__main__"]) if _WORKER in sys.modules else ()

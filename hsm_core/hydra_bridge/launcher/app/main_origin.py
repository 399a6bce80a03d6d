"""Finds out how a worker gets at the app: which file it imports, and under which name the task function is there."""

from __future__ import annotations

import inspect
import os
import sys
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import ModuleSpec, PathFinder

from hydra.types import TaskFunction

from hsm_core.detect.command import Command, original_argv, started_in, this_command
from hsm_core.detect.origin import is_on_disk

from ...task.main_module import MainFile, MainState, NamedFunction, identity, layers
from ...task.main_script import Script, read_script
from ...task.pickling import can_be_pickled
from ...task.python_settings import PythonSettings
from ...task.script_effects import Setting
from .unseen import changes_others, is_plain

#: What is only sent by value stays behind if it takes more than this many bytes.
_LIMIT = 2**24
#: Of what tasks lack, this many are told in full.
_TOLD = 3
#: Decorators around a task function, at most.
_DEPTH = 4


@dataclass(frozen=True)
class MainOrigin:
    """The main module of this process, as the module in which a task function finds itself.

    Args:
        names: its content.
        function: the task function.
    """

    names: dict[str, object]
    function: TaskFunction

    @classmethod
    def of(cls, function: TaskFunction) -> MainOrigin:
        """Profilers run a script in a module of its own: the task function's tells where it is."""
        names = getattr(inspect.unwrap(function), "__globals__", {})
        return cls(names if names.get("__name__") == "__main__" else vars(sys.modules["__main__"]), function)

    @cached_property
    def script(self) -> Script | None:
        """The file, taken apart; None if there is none that could be imported."""
        try:
            return read_script(self.path) if self.path and self._is_the_apps() else None
        except (OSError, SyntaxError, ValueError):
            return None

    def _is_the_apps(self) -> bool:
        """False for programs that only start the app: console scripts, pytest and the like."""
        of_function = identity(self.function)[0]
        if of_function == "__main__":
            return True
        is_own = self._module.partition(".")[0] == of_function.partition(".")[0]
        return is_own or (self.path.endswith(".py") and "site-packages" not in self.path.split(os.sep))

    @property
    def in_main(self) -> set[str]:
        """Names that the main module has wherever it is imported."""
        return self.script.defined if self.script else set()

    @cached_property
    def command(self) -> Command | None:
        """The command line that started this process; None where it does not name what runs (a notebook)."""
        return this_command(self.path, self._module, self.cwd) if self.path else None

    @property
    def cwd(self) -> str:
        """Where this process was started: the app's import may have gone elsewhere."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        return started_in(str(self.names.get("__file__", "")), self._module, code.co_filename if code else "")

    @property
    def function_name(self) -> str:
        """The task function's own name."""
        return identity(self.function)[1]

    def main_functions(self) -> dict[str, str]:
        """Functions under ``@hydra.main`` in the main module, by their own names; and by which it has them."""
        found = {name: value for name, value in self.names.items() if _is_hydras(value)}
        return {identity(value)[1]: name for name, value in found.items()}

    def called_functions(self) -> list[str]:
        """Of these, those that the script calls one after another, whatever happens."""
        called = self.script.called if self.script else ()
        names = {name: own for own, name in self.main_functions().items()}
        return [names[name] for name in called if name in names]

    def file(self) -> MainFile | None:
        """Returns the module that a worker imports; None if the app's names have to be sent by value."""
        if self.script is None:
            return None
        argv = original_argv(self.path, self._module, self.cwd)
        file = str(self.names["__file__"])
        return MainFile(
            file if os.path.isabs(file) else self.path, self._module, argv, identity(self.function)
        )  # fmt: skip

    @property
    def path(self) -> str:
        """The main file, absolute; empty without one."""
        path = self.names.get("__file__")
        return os.path.abspath(path) if isinstance(path, str) and is_on_disk(path) else ""

    @property
    def _module(self) -> str:
        spec = self.names.get("__spec__")
        name = spec.name if isinstance(spec, ModuleSpec) else "__main__"
        return name if name != "__main__" else ""

    def unseen_settings(self) -> list[Setting]:
        """Statements under the script's guard that change other modules: where tasks run, they are not in force."""
        found = self.script.settings if self.script else ()
        return [setting for setting in found if self._is_unseen(setting)]

    def _is_unseen(self, setting: Setting) -> bool:
        name, script = setting.name, self.script
        value = self.names.get(name)
        if changes_others(setting, value) and not _is_hydras(value):
            return True
        if script is None or name not in script.defined - script.late or name in self._changed:
            return False
        calls_own = type(value).__module__ == "__main__" and setting.text.startswith(f"{name}.")
        return calls_own or (name in script.changed and not isinstance(value, types.ModuleType))

    def unsent_names(self) -> list[str]:
        """Returns names that functions read, that only the guarded part makes, and that can't be sent."""
        late = self.script.late if self.script else set()
        return sorted(name for name in late if name in self.names and name not in self._late)

    @cached_property
    def _late(self) -> dict[str, object]:
        late = self.script.late if self.script else set()
        return dict(self._sendable([(name, self.names[name]) for name in late if name in self.names]))

    @cached_property
    def _changed(self) -> dict[str, object]:
        """Objects that the import makes, and that the guarded part changed after that."""
        if self.script is None:
            return {}
        handed = {name for name in self.script.handed if is_plain(self.names.get(name))}
        changed = (self.script.changed | handed) & self.script.defined - self.script.late
        found = ((name, self.names[name]) for name in sorted(changed) if name in self.names)
        return dict(self._sendable((name, one) for name, one in found if not _has_a_name(one)))

    def state(self) -> MainState:
        """Returns the names that the import does not bring."""
        python = PythonSettings.of_process()
        if self.script is not None:
            return MainState(list(sys.argv), self._late, {}, _start_method(), os.getcwd(), self._changed, python)
        kept = ("__file__", "__package__")
        attributes: dict[str, object] = {name: self.names[name] for name in kept if name in self.names}
        own = dict(self._sendable(_own(self.names)))
        return MainState(list(sys.argv), own, attributes, _start_method(), os.getcwd(), {}, python)

    def named_function(self) -> NamedFunction | None:
        """How a worker finds the task function; None if it can't: a closure, or what no file defines."""
        module, qualname = identity(self.function)
        if module != "__main__" and module in sys.modules and _can_be_imported(module):
            return _find(self.function, module, vars(sys.modules[module]), qualname)
        in_main = {name: value for name, value in self.names.items() if name in self.in_main}
        return _find(self.function, "__main__", in_main, qualname)

    def _sendable(self, names: Iterable[tuple[str, object]]) -> Iterator[tuple[str, object]]:
        return ((name, value) for name, value in names if can_be_pickled(value, self.in_main, _LIMIT))


def _find(function: object, module: str, names: dict[str, object], qualname: str) -> NamedFunction | None:
    """Look under the function's own name first, as another may wrap it too."""
    for path in (tuple(qualname.split(".")), *((name,) for name in names)):
        found: object = names.get(path[0])
        for name in path[1:]:
            found = getattr(found, name, None)
        steps = _steps_to(function, found, _DEPTH)
        if steps is not None:
            return NamedFunction(module, path, steps)
    return None


def _start_method() -> str | None:
    """How the app wants ``multiprocessing`` to start processes; None where it left that open."""
    module = sys.modules.get("multiprocessing")
    return None if module is None else module.get_start_method(allow_none=True)


def _steps_to(function: object, found: object, depth: int) -> tuple[str, ...] | None:
    """The steps through decorators that lead from ``found`` to ``function``."""
    if found is function:
        return ()
    for step, inner in layers(found) if depth and callable(found) else ():
        steps = _steps_to(function, inner, depth - 1)
        if steps is not None:
            return (step, *steps)
    return None


def _can_be_imported(module: str) -> bool:
    """True if another process with our ``sys.path`` finds it."""
    top = module.partition(".")[0]
    spec = PathFinder.find_spec(top)
    return spec is not None and spec.origin == getattr(sys.modules.get(top), "__file__", None)


def unseen_lines(origin: MainOrigin) -> Iterator[str]:
    """A warning of what the script sets only where the sweep is started."""
    found, unsent = origin.unseen_settings(), origin.unsent_names()
    for name in unsent[:_TOLD]:
        yield f"warning: tasks do not have {name}: it can't be pickled, or takes more than {_LIMIT >> 20} MiB"
    if unsent[_TOLD:]:
        yield f"warning: nor do they have {', '.join(unsent[_TOLD:])}"
    for setting in found[:_TOLD]:
        yield f"warning: tasks do not see what {os.path.basename(origin.path)}:{setting.line} sets: {setting.text}"
    if found[_TOLD:]:
        lines = ", ".join(str(setting.line) for setting in found[_TOLD:])
        yield f"warning: nor what is set in line{'s' if found[_TOLD + 1 :] else ''} {lines}"
    if found or unsent:
        yield '  fix: put it above if __name__ == "__main__":    # what is under it runs where the sweep starts only'


def _has_a_name(value: object) -> bool:
    """True for what is pickled by its name, and so without what was changed in it."""
    return isinstance(value, types.ModuleType) or inspect.isclass(value) or inspect.isroutine(value)


def _is_hydras(value: object) -> bool:
    code = getattr(value, "__code__", None)
    return code is not None and code.co_name == "decorated_main"


def _own(names: dict[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in names.items():
        kind = inspect.isclass(value) or inspect.isfunction(value)
        if kind and getattr(value, "__module__", None) == "__main__":
            yield name, value

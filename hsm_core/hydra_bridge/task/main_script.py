"""Takes an app's main file apart: what a worker runs of it, and what only the process that was started runs."""

from __future__ import annotations

import ast
import dis
import os
import types
from dataclasses import dataclass
from pathlib import Path
from zipimport import ZipImportError, zipimporter

from .script_effects import (
    Setting,
    called_names,
    changed_names,
    handed_names,
    is_guard,
    mentioned_definitions,
    own_definitions,
    own_functions,
    reached_functions,
    settings_made,
    sweeping_loops,
)

_STORES = {"STORE_NAME", "STORE_GLOBAL"}
_LOADS = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}
_CHILD_MAIN = f"{__package__}.main_module"
@dataclass(frozen=True)
class Script:
    """A main file, divided into the part that is imported and the guarded part.

    Args:
        code: all but what stands under ``if __name__ == "__main__":``, with its own line numbers.
        guarded: what stands there, and loops in which a task function is called: each time, names differ.
        called: functions that are called, one after another and whatever happens, when the file is started.
        settings: what the guarded part sets or calls before its last statement.
        changed: names whose values the guarded part changes, itself or in functions that it calls: ``ARGS["x"] = 1``.
        handed: names of what it hands to calls, which may change it: ``random.shuffle(FILES)``.
    """

    code: types.CodeType
    guarded: types.CodeType
    called: tuple[str, ...]
    settings: tuple[Setting, ...]
    changed: frozenset[str]
    handed: frozenset[str]

    @property
    def defined(self) -> set[str]:
        """Returns the names that exist wherever the file is imported."""
        return _names(self.code, _STORES)

    @property
    def late(self) -> set[str]:
        """Returns the names that functions read and that only the guarded part or a function (``global``) binds."""
        bound = _names(self.guarded, {"STORE_NAME"})
        for part in (self.code, self.guarded):
            bound |= _names_within(part, {"STORE_GLOBAL"})
        return bound & _names_within(self.code, _LOADS)


def read_script(path: str | Path) -> Script:
    """Parses a main file.

    Raises:
        OSError: it can't be read.
        SyntaxError, ValueError: it is no Python source, as a ``.pyc``.
    """
    file = str(path)
    tree, guards = ast.parse(_source(file), file), _WithoutGuards()
    called, functions = tuple(called_names(tree.body)), own_functions(tree.body)
    rest = guards.visit(tree)
    guarded = [*guards.bodies, *sweeping_loops(rest.body, functions)]
    started = [*guarded, *mentioned_definitions(guarded, own_definitions(tree.body))]
    changed, handed = frozenset(changed_names(started)), frozenset(handed_names(started))
    late = compile(ast.Module(guarded, []), file, "exec", dont_inherit=True)
    for function in [functions[name] for name in reached_functions(rest.body, functions)]:
        function.body = [_PassesMainCalled().visit(one) for one in function.body]
    code = compile(ast.fix_missing_locations(_PassesMainCalled().visit(rest)), file, "exec", dont_inherit=True)
    return Script(code, late, called, tuple(settings_made(guards.bodies, functions, ())), changed, handed)


def _source(file: str) -> bytes:
    """Returns the text of a file, also of one in an archive: ``app.pyz/__main__.py``."""
    archive = os.path.dirname(file)
    if not os.path.isfile(archive):
        return Path(file).read_bytes()
    try:
        return zipimporter(archive).get_data(file)
    except ZipImportError as error:
        raise ValueError(str(error)) from error


class _OfTopLevel(ast.NodeTransformer):
    """Leaves functions and classes as they are."""

    def _keep(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _keep


class _PassesMainCalled(_OfTopLevel):
    """Lets the call of the task function end the import, as if nothing after it ran.

    What is under ``finally`` does not run, no ``except`` catches it, and what is under ``with`` stays entered:
    with Hydra's basic launcher, tasks run inside of that call.
    """

    def visit_Try(self, node: ast.Try) -> ast.AST:
        self.generic_visit(node)
        if node.handlers:
            passed = ast.ExceptHandler(_ours("MainCalled"), None, [ast.Raise()])
            node.handlers.insert(0, ast.copy_location(passed, node))
        if node.finalbody:
            test = ast.UnaryOp(ast.Not(), ast.Call(_ours("is_called"), [], []))
            node.finalbody = [ast.copy_location(ast.If(test, node.finalbody, []), node.finalbody[0])]
        return node

    def visit_With(self, node: ast.With) -> ast.AST:
        self.generic_visit(node)
        for item in node.items:
            held = ast.Call(_ours("HeldContext"), [item.context_expr], [])
            item.context_expr = ast.copy_location(held, item.context_expr)
        return node


def _ours(name: str) -> ast.expr:
    """Returns an expression for an object of ours that has no name in the script."""
    return ast.parse(f"__import__({_CHILD_MAIN!r}, fromlist=['']).{name}", mode="eval").body


class _WithoutGuards(_OfTopLevel):
    """Takes out ``if __name__ == "__main__":``, also inside of other statements of the top level."""

    def __init__(self) -> None:
        self.bodies: list[ast.stmt] = []

    def visit_If(self, node: ast.If) -> ast.AST:
        if not is_guard(node.test):
            return self.generic_visit(node)
        self.bodies += node.body
        return ast.copy_location(ast.Pass(), node)


def _names(code: types.CodeType, operations: set[str]) -> set[str]:
    return {str(step.argval) for step in dis.get_instructions(code) if step.opname in operations}


def _names_within(code: types.CodeType, operations: set[str]) -> set[str]:
    """Returns the names that are read, in functions and classes too."""
    inner = (part for part in code.co_consts if isinstance(part, types.CodeType))
    return _names(code, operations).union(*(_names_within(part, operations) for part in inner))

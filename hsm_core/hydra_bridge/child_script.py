"""Takes an app's main file apart: what a worker runs of it, and what only the process that was started runs."""

from __future__ import annotations

import ast
import dis
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_STORES = {"STORE_NAME", "STORE_GLOBAL"}
_LOADS = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}


@dataclass(frozen=True)
class Setting:
    """A statement such as ``torch.set_num_threads(1)``.

    Args:
        name: the first of its names, ``torch``.
    """

    line: int
    name: str
    text: str


@dataclass(frozen=True)
class Script:
    """A main file in two parts.

    Args:
        code: all but what stands under ``if __name__ == "__main__":``, with its own line numbers.
        guarded: what stands there.
        called: functions that are called, one after another and whatever happens, when the file is started.
        settings: what the guarded part sets or calls before its last statement.
    """

    code: types.CodeType
    guarded: types.CodeType
    called: tuple[str, ...]
    settings: tuple[Setting, ...]

    @property
    def defined(self) -> set[str]:
        """Names that exist wherever the file is imported."""
        return _names(self.code, _STORES)

    @property
    def late(self) -> set[str]:
        """Names that functions read, and that only the guarded part or a function (``global``) binds."""
        bound = _names(self.guarded, {"STORE_NAME"})
        for part in (self.code, self.guarded):
            bound |= _names_within(part, {"STORE_GLOBAL"})
        return bound & _names_within(self.code, _LOADS)


def read_script(path: str | Path) -> Script:
    """Parse a main file.

    Raises:
        OSError: it can't be read.
        SyntaxError, ValueError: it is no Python source (a ``.pyc``, an archive).
    """
    file = str(path)
    tree, guards = ast.parse(Path(path).read_bytes(), file), _Guards()
    called = tuple(_called(tree.body))
    rest = ast.fix_missing_locations(guards.visit(tree))
    guarded = ast.Module(guards.bodies, [])
    code, late = (compile(part, file, "exec", dont_inherit=True) for part in (rest, guarded))
    return Script(code, late, called, tuple(_settings(guards.bodies[:-1])))


class _Guards(ast.NodeTransformer):
    """Takes out ``if __name__ == "__main__":``, also inside of other statements of the top level."""

    def __init__(self) -> None:
        self.bodies: list[ast.stmt] = []

    def visit_If(self, node: ast.If) -> ast.AST:
        if not _is_guard(node.test):
            return self.generic_visit(node)
        self.bodies += node.body
        return ast.copy_location(ast.Pass(), node)

    def _keep(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _keep


def _is_guard(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(_is_guard(value) for value in test.values)
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return False
    sides = (test.left, test.comparators[0])
    return any(isinstance(one, ast.Name) and one.id == "__name__" for one in sides) and any(
        isinstance(one, ast.Constant) and one.value == "__main__" for one in sides
    )


def _called(body: list[ast.stmt]) -> Iterator[str]:
    """Names that statements call, be it ``main()``, ``x = main()`` or ``sys.exit(main())``."""
    for statement in body:
        if isinstance(statement, ast.If) and _is_guard(statement.test):
            yield from _called(statement.body)
        elif isinstance(statement, (ast.Expr, ast.Assign)):
            for node in ast.walk(statement.value):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    yield node.func.id


def _settings(body: list[ast.stmt]) -> Iterator[Setting]:
    for statement in body:
        place: ast.expr | None = None
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            place = statement.value.func
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Attribute):
            place = statement.targets[0]
        while isinstance(place, ast.Attribute):
            place = place.value
        if isinstance(place, ast.Name):
            yield Setting(statement.lineno, place.id, ast.unparse(statement))


def _names(code: types.CodeType, operations: set[str]) -> set[str]:
    return {str(step.argval) for step in dis.get_instructions(code) if step.opname in operations}


def _names_within(code: types.CodeType, operations: set[str]) -> set[str]:
    """The same, in its functions and classes too."""
    inner = (part for part in code.co_consts if isinstance(part, types.CodeType))
    return _names(code, operations).union(*(_names_within(part, operations) for part in inner))

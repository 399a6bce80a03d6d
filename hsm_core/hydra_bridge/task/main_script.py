"""Takes an app's main file apart: what a worker runs of it, and what only the process that was started runs."""

from __future__ import annotations

import ast
import dis
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

_STORES = {"STORE_NAME", "STORE_GLOBAL"}
_LOADS = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}
_Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_CHILD_MAIN = f"{__package__}.main_module"
#: Methods of the standard library's collections that change them.
_CHANGING = {
    "add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "remove", "setdefault", "update",
}  # fmt: skip
#: How functions are named that set something for good, rather than do something.
_SETTING = (
    "set", "seed", "manual_seed", "use", "enable", "disable", "register", "filter", "simplefilter", "catch",
    "config", "init", "install", "patch",
)  # fmt: skip


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
    """A main file, divided into the part that is imported and the guarded part.

    Args:
        code: all but what stands under ``if __name__ == "__main__":``, with its own line numbers.
        guarded: what stands there, and loops in which a task function is called: each time, names differ.
        called: functions that are called, one after another and whatever happens, when the file is started.
        settings: what the guarded part sets or calls before its last statement.
        changed: names whose values the guarded part changes, itself or in functions that it calls: ``ARGS["x"] = 1``.
    """

    code: types.CodeType
    guarded: types.CodeType
    called: tuple[str, ...]
    settings: tuple[Setting, ...]
    changed: frozenset[str]

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
        SyntaxError, ValueError: it is no Python source (a ``.pyc``, an archive).
    """
    file = str(path)
    tree, guards = ast.parse(Path(path).read_bytes(), file), _WithoutGuards()
    called, functions = tuple(_called(tree.body)), _functions(tree.body)
    rest = guards.visit(tree)
    guarded = [*guards.bodies, *_sweeping_loops(rest.body, functions)]
    changed = frozenset(_changed([*guarded, *_mentioned(guarded, _definitions(tree.body))]))
    late = compile(ast.Module(guarded, []), file, "exec", dont_inherit=True)
    for function in [functions[name] for name in _reached(rest.body, functions)]:
        function.body = [_PassesMainCalled().visit(one) for one in function.body]
    code = compile(ast.fix_missing_locations(_PassesMainCalled().visit(rest)), file, "exec", dont_inherit=True)
    return Script(code, late, called, tuple(_settings(guards.bodies, functions, ())), changed)


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
        if not _is_guard(node.test):
            return self.generic_visit(node)
        self.bodies += node.body
        return ast.copy_location(ast.Pass(), node)


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
    """Yields the names that statements call, in ``main()``, ``x = main()`` or ``sys.exit(main())``."""
    for statement in body:
        if isinstance(statement, ast.If) and _is_guard(statement.test):
            yield from _called(statement.body)
        elif isinstance(statement, (ast.Expr, ast.Assign)):
            for node in ast.walk(statement.value):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    yield node.func.id


def _functions(body: list[ast.stmt]) -> dict[str, ast.FunctionDef]:
    """Returns the script's own functions, without those that Hydra calls."""
    found = {one.name: one for one in body if isinstance(one, ast.FunctionDef)}
    return {name: one for name, one in found.items() if not any(map(_is_hydra_main, one.decorator_list))}


def _definitions(body: list[ast.stmt]) -> list[_Definition]:
    """Returns the script's own functions and classes, without those that Hydra calls."""
    found = (one for one in body if isinstance(one, _Definition))
    return [one for one in found if not any(map(_is_hydra_main, one.decorator_list))]


def _mentioned(body: Iterable[ast.stmt], definitions: Iterable[_Definition]) -> list[_Definition]:
    """Returns the names that statements may run: those they mention, and what decorators gave such objects.

    ``asyncio.run(start())``, ``Thread(target=start)``, and ``app()`` for functions under ``@app.command()``.
    """
    found: list[_Definition] = []
    names = _names_in(body)
    left = list(definitions)
    while more := [one for one in left if one.name in names or _names_in(one.decorator_list) & names]:
        found += more
        left = [one for one in left if one not in more]
        names |= _names_in(more)
    return found


def _names_in(nodes: Iterable[ast.AST]) -> set[str]:
    """Returns the names that are read, except functions that Hydra calls: ``hydra.main(…)(train)``."""
    found: set[str] = set()
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Call) and _is_hydra_main(node.func):
            todo.append(node.func)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        else:
            todo += ast.iter_child_nodes(node)
    return found


def _sweeping_loops(body: list[ast.stmt], functions: Mapping[str, ast.FunctionDef]) -> list[ast.stmt]:
    """Loops of the top level that start sweeps."""
    mains = {
        one.name for one in body
        if isinstance(one, ast.FunctionDef) and any(map(_is_hydra_main, one.decorator_list))
    }  # fmt: skip
    loops = [one for one in body if isinstance(one, (ast.For, ast.While))]
    return [one for one in loops if mains & _called_by([one, *(functions[f] for f in _reached([one], functions))])]


def _called_by(statements: Iterable[ast.stmt]) -> set[str]:
    nodes = (node for statement in statements for node in ast.walk(statement) if isinstance(node, ast.Call))
    return {node.func.id for node in nodes if isinstance(node.func, ast.Name)}


def _is_hydra_main(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and ast.unparse(decorator.func).rpartition(".")[2] == "main"


def _reached(body: Iterable[ast.stmt], functions: Mapping[str, ast.FunctionDef]) -> list[str]:
    """Functions that statements call, and those that these call."""
    found: list[str] = []
    todo = list(body)
    while todo:
        for node in ast.walk(todo.pop()):
            name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if name in functions and name not in found:
                found.append(name)
                todo.append(functions[name])
    return found


def _changed(body: Iterable[ast.stmt]) -> Iterator[str]:
    for statement in body:
        for node in ast.walk(statement):
            places: list[ast.expr] = []
            if isinstance(node, (ast.Assign, ast.Delete)):
                places = node.targets
            elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
                places = [node.target]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                places = [node.func] if node.func.attr in _CHANGING else []
            for place in places:
                if isinstance(place, (ast.Attribute, ast.Subscript)):
                    yield _root(place)


def _root(place: ast.expr) -> str:
    """Returns the first name of ``torch.backends.cudnn.benchmark`` or ``getcontext().prec``."""
    while isinstance(place, (ast.Attribute, ast.Subscript, ast.Call)):
        place = place.func if isinstance(place, ast.Call) else place.value
    return place.id if isinstance(place, ast.Name) else ""


def _settings(
    body: list[ast.stmt], functions: Mapping[str, ast.FunctionDef], within: tuple[str, ...], ends: bool = True
) -> Iterator[Setting]:
    """Yields the settings that statements make, one by one.

    Args:
        within: the functions that hold them. Of what functions call, only that counts which is named as a setting.
        ends: if the last of them starts the sweep.
    """
    for statement in body:
        is_end = ends and statement is body[-1]
        blocks = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
        if isinstance(statement, ast.With):
            yield from _set_by(statement.lineno, [item.context_expr for item in statement.items], within)
        if isinstance(statement, (ast.With, ast.If, ast.For, ast.While, ast.Try)):
            for number, block in enumerate(blocks):
                yield from _settings(block, functions, within, is_end and number == 0)
            continue
        calls = [name for name in _called([statement]) if name in functions and name not in within]
        for name in calls:
            yield from _settings(functions[name].body, functions, (*within, name), is_end)
        if isinstance(statement, ast.Expr) and not is_end:
            yield from _set_by(statement.lineno, [statement.value], within)
        elif isinstance(statement, (ast.Assign, ast.AugAssign)):
            place = statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0]
            if not isinstance(place, ast.Name):
                yield Setting(statement.lineno, _root(place), ast.unparse(statement))


def _set_by(line: int, calls: list[ast.expr], within: tuple[str, ...]) -> Iterator[Setting]:
    for call in calls:
        if isinstance(call, ast.Call):
            text = ast.unparse(call)
            name = ast.unparse(call.func).rpartition(".")[2]
            if not within or name.startswith(_SETTING):
                yield Setting(line, _root(call.func), text)


def _names(code: types.CodeType, operations: set[str]) -> set[str]:
    return {str(step.argval) for step in dis.get_instructions(code) if step.opname in operations}


def _names_within(code: types.CodeType, operations: set[str]) -> set[str]:
    """Returns the names that are read, in functions and classes too."""
    inner = (part for part in code.co_consts if isinstance(part, types.CodeType))
    return _names(code, operations).union(*(_names_within(part, operations) for part in inner))

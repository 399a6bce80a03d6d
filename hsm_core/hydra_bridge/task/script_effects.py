"""Finds what statements of an app's main file call, change and set, in the functions that they call too."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

_Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
#: Methods of the standard library's collections that change them.
_CHANGING = {
    "add", "append", "appendleft", "clear", "difference_update", "discard", "extend", "extendleft", "insert",
    "intersection_update", "move_to_end", "pop", "popitem", "popleft", "remove", "reverse", "rotate", "setdefault",
    "sort", "subtract", "symmetric_difference_update", "update",
}  # fmt: skip
#: How functions are named that set something for good, rather than do something.
_SETTING = (
    "set", "seed", "manual_seed", "use", "enable", "disable", "register", "filter", "simplefilter", "catch",
    "config", "init", "install", "patch", "signal", "redirect", "capture", "addHandler", "removeHandler", "addFilter",
    "removeFilter", "dictConfig", "fileConfig",
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """A statement such as ``torch.set_num_threads(1)``.

    Args:
        name: the first of its names, ``torch``.
        is_lasting: it is an assignment, or what it calls is named as a setting.
    """

    line: int
    name: str
    text: str
    is_lasting: bool


def is_guard(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(is_guard(value) for value in test.values)
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return False
    sides = (test.left, test.comparators[0])
    return any(isinstance(one, ast.Name) and one.id == "__name__" for one in sides) and any(
        isinstance(one, ast.Constant) and one.value == "__main__" for one in sides
    )


def called_names(body: list[ast.stmt]) -> Iterator[str]:
    """Yields the names that statements call, in ``main()``, ``x = main()`` or ``sys.exit(main())``."""
    for statement in body:
        if isinstance(statement, ast.If) and is_guard(statement.test):
            yield from called_names(statement.body)
        elif isinstance(statement, (ast.Expr, ast.Assign)):
            for node in ast.walk(statement.value):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    yield node.func.id


def own_functions(body: list[ast.stmt]) -> dict[str, ast.FunctionDef]:
    """Returns the script's own functions, without those that Hydra calls."""
    found = {one.name: one for one in body if isinstance(one, ast.FunctionDef)}
    return {name: one for name, one in found.items() if not any(map(_is_hydra_main, one.decorator_list))}


def own_definitions(body: list[ast.stmt]) -> list[_Definition]:
    """Returns the script's own functions and classes, without those that Hydra calls."""
    found = (one for one in body if isinstance(one, _Definition))
    return [one for one in found if not any(map(_is_hydra_main, one.decorator_list))]


def mentioned_definitions(body: Iterable[ast.stmt], definitions: Iterable[_Definition]) -> list[_Definition]:
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


def sweeping_loops(body: list[ast.stmt], functions: Mapping[str, ast.FunctionDef]) -> list[ast.stmt]:
    """Loops of the top level that start sweeps."""
    mains = {
        one.name for one in body
        if isinstance(one, ast.FunctionDef) and any(map(_is_hydra_main, one.decorator_list))
    }  # fmt: skip
    loops = [one for one in body if isinstance(one, (ast.For, ast.While))]
    within = {loop: [functions[name] for name in reached_functions([loop], functions)] for loop in loops}
    return [loop for loop in loops if mains & _called_by([loop, *within[loop]])]


def _called_by(statements: Iterable[ast.stmt]) -> set[str]:
    nodes = (node for statement in statements for node in ast.walk(statement) if isinstance(node, ast.Call))
    return {node.func.id for node in nodes if isinstance(node.func, ast.Name)}


def _is_hydra_main(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and ast.unparse(decorator.func).rpartition(".")[2] == "main"


def reached_functions(body: Iterable[ast.stmt], functions: Mapping[str, ast.FunctionDef]) -> list[str]:
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


def changed_names(body: Iterable[ast.stmt]) -> Iterator[str]:
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


def _chain(place: ast.expr) -> Iterator[str]:
    """Yields the names of ``logging.getLogger("x").setLevel``, the last one first."""
    while isinstance(place, (ast.Attribute, ast.Subscript, ast.Call)):
        if isinstance(place, ast.Attribute):
            yield place.attr
        place = place.func if isinstance(place, ast.Call) else place.value
    if isinstance(place, ast.Name):
        yield place.id


def handed_names(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Yields the names of what statements hand to calls, which may change it: ``random.shuffle(FILES)``."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call):
                values = [*node.args, *(keyword.value for keyword in node.keywords)]
                yield from (one.id for one in values if isinstance(one, ast.Name))


def settings_made(
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
                yield from settings_made(block, functions, within, is_end and number == 0)
            continue
        calls = [name for name in called_names([statement]) if name in functions and name not in within]
        for name in calls:
            yield from settings_made(functions[name].body, functions, (*within, name), is_end)
        if isinstance(statement, ast.Expr) and not is_end:
            yield from _set_by(statement.lineno, [statement.value], within)
        elif isinstance(statement, (ast.Assign, ast.AugAssign)):
            place = statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0]
            if not isinstance(place, ast.Name):
                yield Setting(statement.lineno, _root(place), ast.unparse(statement), is_lasting=True)


def _set_by(line: int, calls: list[ast.expr], within: tuple[str, ...]) -> Iterator[Setting]:
    for call in calls:
        if isinstance(call, ast.Call):
            text = ast.unparse(call)
            names = list(_chain(call.func))
            is_lasting = names[:1] != [] and (names[0].startswith(_SETTING) or "patch" in names)
            if not within or is_lasting:
                yield Setting(line, _root(call.func), text, is_lasting)

"""Reads conditions of ``exclude``: comparisons of keys and values, and nothing that can do harm."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import partial

from hsm_core.errors import ConfigError

from .error_marker import pointed, pointed_at

Evaluator = Callable[[Mapping[str, object]], object]

_LONGEST = 2000
_FITS = "use only keys, values, comparisons, and/or/not and arithmetic"
_EXAMPLE = "model == 'vit' and lr > 0.1"
_CONSTANTS: dict[str, object] = {"true": True, "false": False, "null": None, "inf": float("inf")}
_ARITHMETIC: dict[type[ast.operator], Callable[..., object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[..., object]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
}
_SIGNS: dict[type[ast.unaryop], Callable[..., object]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


@dataclass(frozen=True)
class Expression:
    """A parsed condition.

    Args:
        text: as the user wrote it.
        names: the keys it reads, with the place of each in ``text``.
    """

    text: str
    names: Mapping[str, ast.expr]
    evaluator: Evaluator

    def holds(self, values: Mapping[str, object]) -> bool:
        """Returns whether the condition is true for these values.

        Raises:
            ConfigError: it can't be worked out for them, or is neither true nor false.
        """
        answer = self.evaluator(values)
        if not isinstance(answer, bool):
            problem = f"this is {answer!r}, but must be true or false"
            fix = f"compare it, such as: {self.text} == {answer!r}"
            raise pointed(self.text, 0, len(self.text), problem, fix)
        return answer


def parse(text: str, known: Container[str] = ()) -> Expression:
    """Reads a condition.

    Args:
        known: keys whose names Python would take for arithmetic, such as ``db/engine``, are found here.

    Raises:
        ConfigError: it is no condition, with a mark where reading stopped.
    """
    if len(text) > _LONGEST:
        raise ConfigError(f"exclude: an expression is longer than {_LONGEST} characters")
    text = text.strip()
    if not text:
        raise ConfigError("exclude: an expression is empty", fix=f"remove it, or write one: {_EXAMPLE}")
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise _unreadable(text, error) from None
    reader = _Reader(text, known)
    evaluator = reader.read(tree.body)
    return Expression(reader.text, reader.names, evaluator)


def _unreadable(text: str, error: SyntaxError) -> ConfigError:
    """Returns the error for a condition that Python can't parse; it counts columns from 1, and 0 means the end."""
    column = error.offset - 1 if error.offset else len(text)
    return pointed(text, column, column + 1, f"can't be read: {error.msg}", f"write it like: {_EXAMPLE}")


class _Reader:
    """Turns a syntax tree into functions, one node at a time."""

    def __init__(self, text: str, known: Container[str]) -> None:
        self.text, self.known = text, known
        self.names: dict[str, ast.expr] = {}

    def read(self, node: ast.expr) -> Evaluator:
        name = self._name(node)
        if name is not None:
            return self._lookup(name, node)
        kind = getattr(self, f"_read_{type(node).__name__.lower()}", None)
        if kind is None:
            raise pointed_at(self.text, node, _FITS, f"write it like: {_EXAMPLE}")
        evaluator: Evaluator = kind(node)
        return evaluator

    def _lookup(self, name: str, node: ast.expr) -> Evaluator:
        if name in _CONSTANTS and name not in self.known:
            return self._always(_CONSTANTS[name])
        self.names.setdefault(name, node)
        return lambda values: values[name]

    def _name(self, node: ast.expr) -> str | None:
        """Returns ``optimizer.lr``, ``layers[0].size``, ``db/engine`` as one key; None for anything else."""
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute):
            return self._below(node.value, node.attr)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            return self._below(node.value, str(node.slice.value))
        if isinstance(node, ast.BinOp):
            text = (ast.get_source_segment(self.text, node) or "").strip()
            return text if text in self.known else None
        return None

    def _below(self, node: ast.expr, last: str) -> str | None:
        parent = self._name(node)
        return None if parent is None else f"{parent}.{last}"

    @staticmethod
    def _always(value: object) -> Evaluator:
        return lambda _: value

    def _read_constant(self, node: ast.Constant) -> Evaluator:
        if isinstance(node.value, (bytes, complex, type(Ellipsis))):
            raise pointed_at(self.text, node, "no key has such a value")
        return self._always(node.value)

    def _read_list(self, node: ast.List | ast.Tuple | ast.Set) -> Evaluator:
        items = [self.read(item) for item in node.elts]
        return lambda values: [item(values) for item in items]

    _read_tuple = _read_set = _read_list

    def _read_boolop(self, node: ast.BoolOp) -> Evaluator:
        parts = [self.read(part) for part in node.values]
        if isinstance(node.op, ast.And):
            return lambda values: all(self._truth(part(values), node) for part in parts)
        return lambda values: any(self._truth(part(values), node) for part in parts)

    def _truth(self, value: object, node: ast.expr) -> bool:
        if not isinstance(value, bool):
            problem = f"and/or/not join true and false, not {value!r}"
            raise pointed_at(
                self.text, node, problem, f"compare each part, such as: {_EXAMPLE}"
            )
        return value

    def _read_unaryop(self, node: ast.UnaryOp) -> Evaluator:
        operand = self.read(node.operand)
        apply = _SIGNS.get(type(node.op))
        if apply is None:
            raise pointed_at(self.text, node, "this sign is not supported")
        if isinstance(node.op, ast.Not):
            return lambda values: not self._truth(operand(values), node)
        return lambda values: self._careful(node, lambda: apply(operand(values)))

    def _read_binop(self, node: ast.BinOp) -> Evaluator:
        left, right = self.read(node.left), self.read(node.right)
        apply = _ARITHMETIC.get(type(node.op))
        if apply is None:
            raise pointed_at(self.text, node, "this operator is not supported")
        return lambda values: self._calculate(node, apply, left(values), right(values))

    def _calculate(
        self, node: ast.BinOp, apply: Callable[..., object], left: object, right: object
    ) -> object:
        numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
        if not numbers and not (isinstance(node.op, ast.Add) and isinstance(left, str)):
            problem = f"can't calculate with {left!r} and {right!r}"
            raise pointed_at(self.text, node, problem, "calculate with numbers")
        if isinstance(node.op, ast.Pow) and isinstance(right, (int, float)) and abs(right) > 64:
            raise pointed_at(self.text, node, "powers above 64 are refused")
        return self._careful(node, lambda: apply(left, right))

    def _read_compare(self, node: ast.Compare) -> Evaluator:
        parts = [self.read(part) for part in (node.left, *node.comparators)]
        steps = [_COMPARISONS[type(op)] for op in node.ops]

        def compare(values: Mapping[str, object]) -> bool:
            left = parts[0](values)
            for step, part in zip(steps, parts[1:], strict=True):
                right = part(values)
                if not self._careful(node, partial(step, left, right)):
                    return False
                left = right
            return True

        return compare

    def _careful(self, node: ast.expr, apply: Callable[[], object]) -> object:
        try:
            return apply()
        except (TypeError, ArithmeticError) as error:
            fix = "compare values of one kind: text with text in quotes, numbers with numbers"
            raise pointed_at(self.text, node, f"can't be computed: {error}", fix) from None

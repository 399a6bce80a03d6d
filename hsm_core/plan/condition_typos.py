"""Guesses the condition that was meant by ``opt=adam`` or ``opt == adam``: ``opt == 'adam'``."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable

from .suggest import closest

Known = Callable[[str], bool]

_ONE_SIGN = re.compile(r"(?<![=!<>])=(?!=)")
_WORDS = (("&&", " and "), ("||", " or "), ("<>", "!="), ("=>", ">="), ("=<", "<="))
_CONSTANTS = {"true", "false", "null", "inf", "True", "False", "None"}
_BARE = re.compile(r"(==|!=)\s*([^\s'\"()\[\]=<>!&|][^\s'\"()\[\]=<>!&|]*)")


def meant(text: str, known: Known, names: Iterable[str]) -> str:
    """Returns the condition as it can be read: ``==`` for ``=``, text in quotes, the nearest key; or an empty text.

    Args:
        known: is there such a key?
        names: all keys, to find the nearest.
    """
    for wrong, right in _WORDS:
        text = re.sub(rf"\s*{re.escape(wrong)}\s*", f" {right.strip()} ", text)
    text = " ".join(_ONE_SIGN.sub(" == ", text).split())
    tree = _tree(text) or _tree(text := _BARE.sub(_in_quotes, text))
    if tree is None:
        return ""
    changes = _changes(tree.body, text, known, list(names))
    if changes is None:
        return ""
    encoded = text.encode()
    for node, new in sorted(changes, key=lambda change: -change[0].col_offset):
        encoded = encoded[: node.col_offset] + new.encode() + encoded[node.end_col_offset :]
    return encoded.decode()


def _tree(text: str) -> ast.Expression | None:
    try:
        return ast.parse(text, mode="eval")
    except (SyntaxError, ValueError):
        return None


def _in_quotes(match: re.Match[str]) -> str:
    sign, word = match.groups()
    return f"{sign} {word}" if _tree(word) is not None else f"{sign} {word!r}"


def _changes(node: ast.expr, text: str, known: Known, names: list[str]) -> list[tuple[ast.expr, str]] | None:
    """Returns the replacement of each part that names no key; None if it can't be guessed."""
    found: list[tuple[ast.expr, str]] = []
    for part, is_value in _operands(node):
        said = ast.get_source_segment(text, part) or ""
        if known(said) or said in _CONSTANTS or not _unknown(part, text, known):
            continue
        near = closest(said, names)
        if is_value:
            found.append((part, repr(said)))
        elif near:
            found.append((part, near))
        else:
            return None
    return found


def _operands(node: ast.expr) -> Iterable[tuple[ast.expr, bool]]:
    """Yields the parts that are compared, and whether each stands in the place of a value."""
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _operands(value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield from _operands(node.operand)
    elif isinstance(node, ast.Compare):
        yield node.left, False
        for sign, part in zip(node.ops, node.comparators, strict=True):
            if isinstance(part, ast.List | ast.Tuple | ast.Set):
                yield from ((item, True) for item in part.elts)
            else:
                yield part, isinstance(sign, ast.Eq | ast.NotEq)


def _unknown(node: ast.expr, text: str, known: Known) -> bool:
    """Returns whether it contains a name that is no key."""
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        return not known(ast.get_source_segment(text, node) or "")
    return any(_unknown(child, text, known) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))

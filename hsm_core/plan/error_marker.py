"""Marks where in a condition its mistake is."""

from __future__ import annotations

import ast

from hsm_core.errors import ConfigError


def pointed(text: str, begin: int, end: int, problem: str, fix: str = "") -> ConfigError:
    """Returns an error that marks the characters of ``text`` from ``begin`` to ``end``."""
    mark = " " * begin + "^" * max(end - begin, 1)
    return ConfigError(f"exclude: {problem}", evidence=f"\n    {text}\n    {mark}", fix=fix)


def pointed_at(text: str, node: ast.expr, problem: str, fix: str = "") -> ConfigError:
    """Returns an error that marks a part of the parsed expression."""
    encoded = text.encode()
    begin = len(encoded[: node.col_offset].decode())
    end = len(encoded[: node.end_col_offset or node.col_offset + 1].decode())
    return pointed(text, begin, end, problem, fix)

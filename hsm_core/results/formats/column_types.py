"""Finds the type of a column of results, and gives its values that type."""

from __future__ import annotations

import json
from collections.abc import Sequence

from .export import plain


def kind_of(values: Sequence[object]) -> str:
    """Returns the type of all values: ``bool``, ``int``, ``float``, ``str``, or ``ints`` and ``floats`` for lists.

    A column without any value is of numbers: it is a metric that no task has returned yet.
    """
    found = [value for value in values if value is not None]
    lists = [value for value in found if isinstance(value, list)]
    if found and len(lists) == len(found):
        inner = kind_of([item for value in lists for item in value])
        return f"{inner}s" if inner in ("int", "float") else "str"
    kinds = {type(value) for value in found}
    if kinds == {bool}:
        return "bool"
    if not kinds <= {int, float} or any(type(value) is int and not _fits(value) for value in found):
        return "str"
    return "int" if kinds == {int} else "float"


def _fits(number: int) -> bool:
    return -(2**63) <= number < 2**63


def as_kind(kind: str, value: object) -> object:
    """Returns a value of a column of a kind, see ``kind_of``; None stays None."""
    if value is None:
        return None
    if kind == "float":
        return float(value) if isinstance(value, int) else value
    if kind == "floats" and isinstance(value, list):
        return [float(item) if isinstance(item, int) else item for item in value]
    return as_text(value) if kind == "str" else value


def as_text(value: object) -> str:
    """Returns text as it is, anything else as JSON; bytes that are no UTF-8 become visible."""
    held = plain(value)
    text = held if isinstance(held, str) else json.dumps(held)
    return text.encode("utf-8", "backslashreplace").decode()

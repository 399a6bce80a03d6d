"""Reads what a task's overrides set, as keys and values of a table."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hsm_core.overrides import key_of, without_secrets

_WORDS: dict[str, object] = {"true": True, "false": False, "null": None}
#: As in Hydra's grammar (OverrideLexer.g4): with a zero in front, as in 007, it is text.
_WHOLE = r"(?:0|[1-9](?:_?\d)*)"
_INTEGER = re.compile(rf"[-+]?{_WHOLE}", re.ASCII)
_POINT = rf"(?:{_WHOLE}?\.\d(?:_?\d)*|{_WHOLE}\.)"
_FLOAT = re.compile(
    rf"[-+]?(?:(?:{_WHOLE}|{_POINT})[eE][-+]?\d(?:_?\d)*|{_POINT}|inf|nan)", re.IGNORECASE | re.ASCII
)


def parameters(overrides: Iterable[str]) -> dict[str, object]:
    """Returns key and value of each override but deletions: ``+model.depth=3`` is ``{"model.depth": 3}``."""
    found: dict[str, object] = {}
    for override in map(without_secrets, overrides):
        _, given, text = override.partition("=")
        if given and not override.startswith("~"):
            found[key_of(override)] = value(text)
    return found


def value(text: str) -> object:
    """Returns a plain value as Hydra's grammar (``OverrideLexer.g4``) types it; lists and mappings stay text."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1].replace(f"\\{text[0]}", text[0])
    return text


def varying(rows: Iterable[dict[str, object]]) -> list[str]:
    """Returns the keys whose values differ between rows, in the order of first appearance."""
    found = list(rows)
    keys = {key: None for row in found for key in row}
    return [key for key in keys if len({repr(row.get(key)) for row in found}) > 1]

"""Writes any return value as JSON, so that it can be read without unpickling."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping

#: Deeper values, and longer integers (Python prints 4300 digits at most), are shown as their ``repr``.
_DEPTH, _BITS, _REPR = 40, 10_000, 500
#: Values with more parts, or more text, are shown by their beginning: an outcome is read often.
_PARTS, _TEXT = 100_000, 1_000_000
#: Where an object lies is another place in each task, and tells nothing.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+(?=[>,])")


class _TooLarge(Exception):
    pass


class _Room:
    """Counts how much of a value may still be written."""

    def __init__(self) -> None:
        self._parts, self._text = _PARTS, _TEXT

    def take(self, value: object) -> None:
        """Raises if this part of a value is one too many."""
        self._parts -= 1
        self._text -= len(value) if type(value) in (str, bytes) else 0  # type: ignore[arg-type]
        self.require(0)

    def require(self, parts: int) -> None:
        """Raises if there is no room for so many parts."""
        if self._parts < parts or self._text < 0:
            raise _TooLarge


def project(value: object) -> tuple[object, bool]:
    """Returns a value as JSON, and whether reading that gives the same value again.

    Numbers of numpy and torch become Python's; what JSON can't hold becomes its ``repr``.
    """
    try:
        return _project(value, _DEPTH, _Room())
    except _TooLarge:
        return shown(value, _REPR), False
    except Exception:  # noqa: BLE001  the worker's edge: containers may be the user's own code
        return shown(value, _REPR), False


def shown(value: object, limit: int) -> str:
    """Returns the ``repr`` of a value without addresses; of a long one, beginning and end."""
    try:
        text = _brief(limit).repr(value) if _is_large(value) else repr(value)
    except Exception:  # noqa: BLE001  the worker's edge: it is the user's code
        return f"<{type(value).__qualname__} that can't be shown>"
    if not isinstance(value, (str, bytes)):
        text = _ADDRESS.sub("", text)
    return text if len(text) <= limit else f"{text[:limit]}…"


def _is_large(value: object) -> bool:
    room, seen, waiting = _Room(), set[int](), [value]
    try:
        while waiting:
            one = waiting.pop()
            room.take(one)
            if isinstance(one, (list, tuple, set, frozenset, dict)) and id(one) not in seen:
                seen.add(id(one))
                room.require(len(one))
                waiting += one.values() if isinstance(one, dict) else one
    except _TooLarge:
        return True
    return False


def _brief(limit: int) -> reprlib.Repr:
    brief = reprlib.Repr()
    brief.maxlist = brief.maxtuple = brief.maxset = brief.maxfrozenset = brief.maxdict = 20
    brief.maxstring = brief.maxother = limit
    return brief


def _project(value: object, depth: int, room: _Room) -> tuple[object, bool]:
    kind: type = type(value)
    room.take(value)
    if value is None or kind in (bool, float, str):
        return value, True
    if kind is int:
        return (value, True) if int.bit_length(value) < _BITS else (shown(value, _REPR), False)  # type: ignore[arg-type]
    if depth and isinstance(value, Mapping):
        return _project_mapping(value, kind, depth - 1, room)
    if depth and isinstance(value, (list, tuple)):
        items = [_project(item, depth - 1, room) for item in value]
        return [item for item, _ in items], kind is list and all(exact for _, exact in items)
    return _project_scalar(value), False


def _project_mapping(
    value: Mapping[object, object], kind: type, depth: int, room: _Room
) -> tuple[dict[str, object], bool]:
    items = {str(key): _project(item, depth, room) for key, item in value.items()}
    plain_keys = all(type(key) is str for key in value)
    exact = kind is dict and plain_keys and all(flag for _, flag in items.values())
    return {key: item for key, (item, _) in items.items()}, exact


def _project_scalar(value: object) -> object:
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) in ((), [], (1,)):
        value = item()
    if isinstance(value, (bool, float, str)) or (isinstance(value, int) and value.bit_length() < _BITS):
        return value
    return shown(value, _REPR)

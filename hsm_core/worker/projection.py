"""Shows any return value as JSON, so that it can be read without unpickling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Deeper values, and longer integers (Python prints 4300 digits at most), are shown as their ``repr``.
_DEPTH, _BITS, _REPR = 40, 10_000, 500


def project(value: object) -> tuple[Any, bool]:
    """A value as JSON, and whether reading that gives the same value again.

    Numbers of numpy and torch become Python's; what JSON can't hold becomes its ``repr``.
    """
    try:
        return _project(value, _DEPTH)
    except Exception:  # noqa: BLE001  the worker's edge: containers may be the user's own code
        return shown(value, _REPR), False


def shown(value: object, limit: int) -> str:
    """The ``repr`` of a value, however it was made."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  the worker's edge: it is the user's code
        return f"<{type(value).__qualname__} that can't be shown>"
    return text if len(text) <= limit else f"{text[:limit]}…"


def _project(value: object, depth: int) -> tuple[Any, bool]:
    kind: type = type(value)
    if value is None or kind in (bool, float, str):
        return value, True
    if kind is int:
        return (value, True) if int.bit_length(value) < _BITS else (shown(value, _REPR), False)  # type: ignore[arg-type]
    if depth and isinstance(value, Mapping):
        return _project_mapping(value, kind, depth - 1)
    if depth and isinstance(value, (list, tuple)):
        items = [_project(item, depth - 1) for item in value]
        return [item for item, _ in items], kind is list and all(exact for _, exact in items)
    return _project_scalar(value), False


def _project_mapping(value: Mapping[Any, Any], kind: type, depth: int) -> tuple[dict[str, Any], bool]:
    items = {str(key): _project(item, depth) for key, item in value.items()}
    plain_keys = all(type(key) is str for key in value)
    exact = kind is dict and plain_keys and all(flag for _, flag in items.values())
    return {key: item for key, (item, _) in items.items()}, exact


def _project_scalar(value: object) -> Any:
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) in ((), [], (1,)):
        value = item()
    if isinstance(value, (bool, float, str)) or (isinstance(value, int) and value.bit_length() < _BITS):
        return value
    return shown(value, _REPR)

"""Turns what a task returned into named metrics, and tells which of two values is better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

Mode = Literal["min", "max"]
#: The name of a metric that has none.
UNNAMED = "result"


def flat(value: object, prefix: str = "") -> dict[str, object]:
    """Returns a nested mapping with dotted keys; everything but mappings and lists is a value."""
    if isinstance(value, dict):
        items = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list) and prefix:
        return {prefix: value}
    else:
        return {prefix or UNNAMED: value}
    found: dict[str, object] = {}
    for key, item in items:
        found.update(flat(item, f"{prefix}.{key}" if prefix else key))
    return found


def named(value: object, names: Sequence[str]) -> dict[str, object]:
    """Returns the metrics of a return value.

    Args:
        names: the sweep's metrics, in order: they name a single number, or the members of a tuple.
    """
    if value is None:
        return {}
    if isinstance(value, list):
        fitting = names if len(names) == len(value) else [f"{UNNAMED}.{place}" for place in range(len(value))]
        return dict(zip(fitting, value, strict=True))
    if isinstance(value, dict):
        return flat(value)
    return {names[0] if len(names) == 1 else UNNAMED: value}


def is_finite(value: object) -> bool:
    """Returns whether a value is a number that may be the best."""
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def is_finite_float(value: object) -> bool:
    """Returns whether a value can be calculated with: a whole number may be larger than any float."""
    return is_finite(value) and not (isinstance(value, int) and value.bit_length() >= 1024)


def merit(value: object, mode: Mode) -> tuple[bool, float]:
    """Returns a key that sorts from best to worst; what isn't finite comes last."""
    if not isinstance(value, (int, float)) or not is_finite(value):
        return True, 0.0
    return False, value if mode == "min" else -value

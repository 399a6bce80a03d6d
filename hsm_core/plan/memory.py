"""Reads how much memory a job needs, in the ways that people and schedulers write it."""

from __future__ import annotations

import re

from hsm_core.errors import ConfigError

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?", re.IGNORECASE)
_GIB = {"": 1024.0**-3, "k": 1024.0**-2, "m": 1024.0**-1, "g": 1.0, "t": 1024.0, "p": 1024.0**2}


def gib(text: str | int | float) -> float:
    """GiB of ``16gb``, ``4G``, ``512MiB``, ``1.5t``; a number counts GiB already.

    Schedulers mean powers of 1024 by all of these, and so does this.

    Raises:
        ConfigError: it is no amount of memory.
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return _positive(float(text), text)
    match = _SIZE.fullmatch(str(text).strip())
    if not match:
        raise _refused(text)
    number, unit = float(match[1]), match[2].lower()
    if not unit and not str(text).strip().lower().endswith("b"):
        return _positive(number, text)
    return _positive(number * _GIB[unit], text)


def _positive(amount: float, text: object) -> float:
    if not amount > 0:
        raise _refused(text)
    return amount


def _refused(text: object) -> ConfigError:
    return ConfigError(f"{text!r} is no amount of memory", fix='write it as "16gb", "4G" or "512M"')

"""Reads how long a job may take, in the ways that people and schedulers write it."""

from __future__ import annotations

import math
import re

from hsm_core.errors import ConfigError

_CLOCK = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d{1,2}))?(?::(\d{1,2}))?")
_UNITS = re.compile(r"(?:\s*\d+(?:\.\d+)?\s*(?:d|h|m|min|s)[a-z]*)+\s*", re.IGNORECASE)
_UNIT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)", re.IGNORECASE)
_MINUTES = {"d": 1440.0, "h": 60.0, "m": 1.0, "s": 1 / 60}
_WORDS = {"d", "day", "days", "h", "hr", "hrs", "hour", "hours"} | {
    "m", "min", "mins", "minute", "minutes", "s", "sec", "secs", "second", "seconds"
}  # fmt: skip
_READINGS = ((60, "hours"), (1, "minutes"), (1 / 60, "seconds"))
#: Seconds of the shortest clock that is likely meant: ten minutes. So many hours are weeks.
_LEAST_OF_YAML = 600
_EXAMPLES = 'write it in quotes, as "4:00:00", "1-12:00:00", "90min" or "2h"'


def minutes(text: str | int | float) -> int:
    """Returns the whole minutes, rounded up, of ``4:00:00``, ``1-12:00:00``, ``90min``, ``2h``, ``1d 6h``.

    A clock is ``[days-]hours:minutes[:seconds]``; ``12:30`` is refused, as schedulers disagree about it.

    Raises:
        ConfigError: it is no time, or a bare number, which may mean seconds or minutes.
    """
    written = str(text).strip()
    if isinstance(text, (int, float)) or re.fullmatch(r"\d+(\.\d+)?", written):
        raise _bare(float(written), written)
    found = _clock(written) if ":" in written or "-" in written else _units(written)
    if found is None or found <= 0:
        raise ConfigError(f"walltime {written!r} is not a time", fix=_EXAMPLES)
    return math.ceil(found - 1e-9)


def _clock(written: str) -> float | None:
    match = _CLOCK.fullmatch(written)
    if not match:
        return None
    days, hours, mins, secs = (int(part) if part else 0 for part in match.groups())
    if mins > 59 or secs > 59:
        return None
    if match[1] is None and match[4] is None:
        raise ConfigError(
            f"walltime {written!r} is ambiguous: hours and minutes, or minutes and seconds",
            fix=f'write "{written}:00" for hours and minutes, "0:{written}" for minutes and seconds',
        )
    return days * 1440 + hours * 60 + mins + secs / 60


def _units(written: str) -> float | None:
    if not _UNITS.fullmatch(written):
        return None
    parts = _UNIT.findall(written)
    if any(unit.lower() not in _WORDS for _, unit in parts):
        return None
    return sum(float(number) * _MINUTES[unit[0].lower()] for number, unit in parts)


def clock(mins: float) -> str:
    """Returns minutes as a clock: ``8:00:00``."""
    seconds = round(mins * 60)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _bare(number: float, written: str) -> ConfigError:
    """Returns the error for a bare number: a small one likely means hours, a large one seconds, which YAML made."""
    hours, mins, secs = ((f'"{clock(number * size)}"', unit) for size, unit in _READINGS)
    first = (hours, mins, secs) if number < _LEAST_OF_YAML else (secs, mins)
    choices = [f"{text} for {number:.10g} {unit}" for text, unit in first]
    return ConfigError(
        f"walltime {written} has no unit",
        evidence="YAML turns an unquoted 8:00:00 into 28800" if first[0] == secs else "",
        fix=f"write {', '.join(choices[:-1])} or {choices[-1]}, with the quotes",
    )

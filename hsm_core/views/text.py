"""Shares the words, signs and colours of all texts about a sweep."""

from __future__ import annotations

import datetime
import math

from hsm_core.model import STATES, State
from hsm_core.text import UNSEEN, escaped

#: A sign beside each state's word, so that colour is never the only difference.
GLYPH: dict[State, str] = {
    "pending": "·", "queued": "○", "running": "▶", "completed": "✓", "failed": "✗", "cancelled": "−",
    "lost": "?",
}  # fmt: skip
_COLOUR: dict[str, str] = {
    "pending": "2", "queued": "2", "running": "36", "completed": "32", "failed": "31", "cancelled": "33",
    "lost": "35", "bold": "1", "dim": "2",
}  # fmt: skip
_CTIME, _ISO = "%a %b %d %H:%M:%S %Y", "%Y-%m-%dT%H:%M:%S"
#: The order in which a reader wants to know.
SHOWN: tuple[State, ...] = ("completed", "failed", "lost", "cancelled", "running", "queued", "pending")
assert set(SHOWN) == set(STATES)


def paint(text: str, colour: str, on: bool) -> str:
    """Colours a text like a state, or as ``bold`` or ``dim``."""
    return f"\x1b[{_COLOUR[colour]}m{text}\x1b[0m" if on else text


def state_words(counts: dict[State, int], colour: bool = False) -> str:
    """Returns the counts that are not 0: ``✓ 20 completed  ✗ 3 failed  ▶ 1 running``."""
    found = [
        paint(f"{GLYPH[state]} {counts[state]} {state}", state, colour)
        for state in SHOWN
        if counts.get(state)
    ]
    return "  ".join(found) or "no tasks yet"


def duration(seconds: float) -> str:
    """Returns seconds in two units at most: ``40 s``, ``12 min``, ``3 h 5 min``, ``2 d 4 h``."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if seconds >= size:
            rest = seconds % size // smaller
            return f"{seconds // size} {unit} {rest} {name}" if rest else f"{seconds // size} {unit}"
    return f"{seconds // 60} min"


def local_time(text: str) -> tuple[datetime.datetime, float] | None:
    """Returns a time of ISO 8601 in this machine's zone, and how many seconds ago it was; None if it is none."""
    try:
        found = datetime.datetime.fromisoformat(text)
        return found.astimezone(), (datetime.datetime.now(found.tzinfo) - found).total_seconds()
    except (ValueError, OverflowError):
        return None


def iso_time(text: str) -> str:
    """Returns a scheduler's time (local without a zone, or seconds since 1970) in ISO 8601 with its zone.

    Empty if it is none.
    """
    try:
        if text.isdecimal():
            found = datetime.datetime.fromtimestamp(int(text))
        else:
            found = datetime.datetime.strptime(text, _CTIME if text[:1].isalpha() else _ISO)
    except (ValueError, OverflowError, OSError):
        return ""
    return found.astimezone().isoformat(timespec="seconds")


def about(seconds: float) -> str:
    """Returns an estimated duration (seconds), rounded up: ``about 5 min``."""
    step = 5 if seconds < 60 else 60 if seconds < 600 else 300 if seconds < 7200 else 1800
    return f"about {duration(max(step, math.ceil(seconds / step) * step))}"


def clean(text: str) -> str:
    """Returns foreign text as one line, without what a terminal would obey or hide."""
    return UNSEEN.sub(lambda match: " " if match[0] in "\n\t" else escaped(match[0]), text)


def shorten(text: str, width: int) -> str:
    """Cuts a text to ``width`` characters by taking out its middle."""
    if len(text) <= width:
        return text
    left = (width - 1) // 2
    return f"{text[:left]}…{text[len(text) - (width - 1 - left) :]}"

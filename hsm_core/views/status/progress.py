"""Writes the progress of a sweep on one line."""

from __future__ import annotations

from collections.abc import Mapping

from hsm_core.model import DONE, State

from ..text import GLYPH, about, paint

#: What happens besides ending well, in the order of a reader's interest.
_ASIDE: tuple[State, ...] = ("failed", "lost", "cancelled", "running")


def progress_line(
    counts: Mapping[State, int], total: int, rate: float | None, eta: float | None, *, width: int = 80,
    colour: bool = False, doing: str = "",
) -> str:  # fmt: skip
    """Returns ``━━━━━─────  12/24  ✗ 1 failed  ▶ 4 running  1.3/s  about 10 s left``.

    Args:
        rate: tasks a second; None if not known.
        eta: seconds left; None if not known.
        width: columns; the bar takes what the words leave.
        doing: what goes on while no task runs yet.
    """
    ended = counts_done(counts)
    parts = [(f"{ended}/{total}", "")]
    parts += [(f"{GLYPH[state]} {counts[state]} {state}", state) for state in _ASIDE if counts.get(state)]
    parts += [(doing, "")] if doing else []
    parts += [(pace_words(rate), "")] if rate else []
    parts += [(f"{about(eta)} left", "")] if eta is not None else []
    while len(parts) > 1 and _length(parts) > width:
        parts.remove(next((part for part in reversed(parts[1:]) if part[1]), parts[1]))
    painted = "  ".join(paint(text, state, colour and bool(state)) for text, state in parts)
    room = min(24, width - _length(parts) - 2)
    return f"{bar(counts, total, room, colour=colour)}  {painted}" if room >= 4 else painted


def _length(parts: list[tuple[str, str]]) -> int:
    return sum(len(text) + 2 for text, _ in parts) - 2


def bar(counts: Mapping[State, int], total: int, width: int, *, colour: bool = False) -> str:
    """Returns a progress bar that is full only when all tasks have come to an end of their own."""
    ended = counts_done(counts)
    full = width if total and ended >= total else min(width - 1, width * ended // max(1, total))
    bad = counts.get("failed", 0) or counts.get("lost", 0)
    return paint("━" * full, "failed" if bad else "completed", colour and full > 0) + "─" * (width - full)


def counts_done(counts: Mapping[State, int]) -> int:
    """Returns how many tasks came to an end of their own: a resume runs those that are cancelled or lost."""
    return sum(counts.get(state, 0) for state in DONE)


def pace_words(rate: float) -> str:
    """Returns the rate in tasks a second, a minute or an hour, whichever gives a number above 1."""
    for seconds, unit in ((1, "s"), (60, "min"), (3600, "h")):
        if rate * seconds >= 1 or unit == "h":
            return f"{rate * seconds:.2g}/{unit}" if rate * seconds < 10 else f"{rate * seconds:.0f}/{unit}"
    raise AssertionError

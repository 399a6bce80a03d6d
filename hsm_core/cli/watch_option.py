"""Reads how often ``-w`` repeats."""

from __future__ import annotations

from collections.abc import Sequence

#: Seconds between two displays of ``-w`` without a number.
EVERY_S = 2.0
#: The least that may be asked for.
LEAST_S = 0.1


def spell_out_watch(words: Sequence[str]) -> list[str]:
    """Writes ``-w``, ``-w 5`` and ``-w5`` as ``--watch=…``: a sweep's name may follow a plain ``-w``."""
    found: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in ("-w", "--watch"):
            word = f"--watch={rest.pop(0) if rest and is_number(rest[0]) else EVERY_S}"
        elif word.startswith("-w") and is_number(word[2:]):
            word = f"--watch={word[2:]}"
        found.append(word)
    return found


def is_number(word: str) -> bool:
    return word.removeprefix("-").replace(".", "", 1).isdecimal()

"""Guesses what someone meant who mistyped a name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(word: str, known: Iterable[str]) -> str | None:
    """Returns the known name most like ``word``, if one is like it; a key's last part counts as the key."""
    names = list(known)
    lowered: dict[str, str] = {}
    for name in names:
        lowered.setdefault(name.lower(), name)
    for name in names:
        lowered.setdefault(name.lower().rpartition(".")[2], name)
    found = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    found = found or get_close_matches(word.lower().rpartition(".")[2], lowered, n=1, cutoff=0.7)
    return lowered[found[0]] if found else None

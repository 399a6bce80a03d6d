"""Repeats the command line of the app with the settings that an error suggests, as a line to type."""

from __future__ import annotations

import difflib
import re
import shlex
import sys
from collections.abc import Sequence

from hsm_core.overrides import joined_without_secrets, key_of

FIX, NEXT, COMMENT = "  fix: ", "  next: ", "    # "
_OVERRIDE = re.compile(r"[+~]{0,2}[^\W\d][\w/.@:\[\]-]*=.*", re.DOTALL)
#: What stands for a value that only the user knows.
_OPEN = re.compile(r"…|(?:=|\[|:|,)(?:[A-Z]+)(?=$|[\],}])")
#: Two keys are as near as one and its misspelling.
_NEAR = 0.6


def with_words(*words: str) -> str:
    """Returns the command line that started this app with more words; empty if it is not known."""
    typed = _typed()
    return joined_without_secrets([*typed, *words]) if typed else ""


def whole_lines(text: str) -> str:
    """Returns an error's text with whole lines to type for the overrides that it suggests, where that can be.

    One suggestion becomes the line with it; several stay, and the line with all of them follows.

    Args:
        text: an error's, with its ``fix:`` lines.
    """
    lines, words = text.split("\n"), _typed()
    places = [place for place, line in enumerate(lines) if line.startswith(FIX)]
    told = "\n".join(line for line in lines if not line.startswith(FIX))
    for place in places if words else ():
        words = _mended(words, lines[place], told)
    if not (places and words):
        return text
    line = f"{NEXT}{joined_without_secrets(words)}"
    if len(places) > 1:
        return "\n".join([*lines, line])
    _, mark, comment = lines[places[0]].partition(COMMENT)
    lines[places[0]] = f"{line}{mark}{comment}"
    return "\n".join(lines)


def suggested(line: str) -> list[str]:
    """Returns the words of a ``fix:`` line without its comment; none if it is no line or a shell can't read it."""
    command = line.removeprefix(FIX).partition(COMMENT)[0]
    try:
        return shlex.split(command) if line.startswith(FIX) else []
    except ValueError:
        return []


def _typed() -> list[str]:
    """Returns the words that started this process; none if what they are is not what Hydra reads."""
    words, count = list(sys.orig_argv), len(sys.argv) - 1
    own = len(words) - count
    is_script = own > 1 and words[own:] == sys.argv[1:] and not any(word == "-c" for word in words[1:own])
    return words if is_script else []


def _mended(words: list[str], line: str, text: str) -> list[str]:
    """Returns the command line with what one line suggests; none if that is not for it, or leaves a value open."""
    for word in (overrides := suggested(line)):
        place = _place(words, word, text)
        if not _OVERRIDE.fullmatch(word) or _OPEN.search(word):
            return []
        if place is not None:
            words = [*words[:place], word, *words[place + 1 :]]
        elif key_of(word).startswith(("hydra.", "hydra/")):
            words = [*words, word]
        else:  # a file's
            return []
    return words if overrides else []


def _place(words: Sequence[str], word: str, text: str) -> int | None:
    """Returns where an override of this key was typed; or one with a misspelt key, which the error's text names."""
    key, value = key_of(word), word.partition("=")[2]
    for place, typed in enumerate(words):
        if "=" in typed and key_of(typed) == key:
            return place
    for place, typed in enumerate(words):
        other, mark, its_value = typed.partition("=")
        if mark and its_value == value and _is_misspelt(key_of(other), key, text):
            return place
    return None


def _is_misspelt(typed: str, meant: str, text: str) -> bool:
    """Tells whether a typed key is a misspelling of one that is meant: near it, and the error's text names it."""
    odd = set(re.split("[./]", typed)).difference(re.split("[./]", meant)) or {typed}
    is_told = all(re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text) for part in odd)
    return is_told and difflib.SequenceMatcher(None, typed, meant).ratio() > _NEAR

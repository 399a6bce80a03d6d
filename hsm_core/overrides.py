"""Quotes words for a shell and values for Hydra's grammar, in the shortest way that is right."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable

#: What a shell changes inside double quotes, where a backslash helps; and where none helps in bash and in shlex.
_ESCAPED_IN_DOUBLE_QUOTES, _LIVE_IN_DOUBLE_QUOTES = re.compile(r'(["\\])'), set("$`!")
#: What Hydra reads as plain text.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_/.+@-]*")
_KEYWORDS = ("null", "true", "false", "inf", "nan")


def quoted(word: str) -> str:
    """A word for a POSIX shell: bare, in single quotes, or in double quotes where that is shorter."""
    single = shlex.quote(word)
    if "'" not in word or _LIVE_IN_DOUBLE_QUOTES.intersection(word):
        return single
    double = _ESCAPED_IN_DOUBLE_QUOTES.sub(r"\\\1", word)
    return min(f'"{double}"', single, key=len)


def joined(words: Iterable[str]) -> str:
    """A command line to copy."""
    return " ".join(map(quoted, words))


def pip_line(*words: str) -> str:
    """The line that has this interpreter's pip do something, such as ``install pyarrow``."""
    return joined([sys.executable, "-m", "pip", *words])


def hydra_text(text: str) -> str:
    """A text as a value in Hydra's grammar; in quotes, where backslashes count only before a quote, if need be."""
    if _PLAIN.fullmatch(text) and text.lower() not in _KEYWORDS:
        return text
    escaped = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), text)
    return f"'{escaped}'"

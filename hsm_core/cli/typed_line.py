"""Repeats the command line that was typed, with another word in it, as a suggestion."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from hsm_core.errors import ConfigError, HsmError
from hsm_core.overrides import joined
from hsm_core.store.sweeps.sweep_root import sweep_root


def retyped(typed: str, meant: str, argv: Sequence[str] | None = None) -> str:
    """Returns the same line with ``meant`` for ``typed``; empty if it does not contain that.

    Args:
        typed: empty: ``meant`` is added at the end.
        meant: a word, or none; for an option several, as in a shell.
        argv: the program and its words; None: of this process.
    """
    name, words, start = _typed(argv)
    if not typed:
        return joined([name, *words, *shlex.split(meant)])
    places = [place for place in range(start, len(words)) if words[place] == typed]
    if places:
        words[places[0] : places[0] + 1] = shlex.split(meant) if typed.startswith("-") or not meant else [meant]
    else:
        part = re.compile(rf"(?<![\w.]){re.escape(typed)}(?![\w.])")
        places = [place for place in range(start, len(words)) if part.search(words[place])]
        for place in places:
            words[place] = part.sub(lambda _: meant, words[place])
    return joined([name, *words]) if places else ""


def with_sweep(task: str) -> str:
    """Returns the line that was typed with a sweep before the task: the one of this directory, else the newest."""
    sweep = "." if Path(task).exists() and sweep_root(Path(task).absolute()) else "latest"
    name, words, start = _typed(None)
    if task not in words[start:]:
        return ""
    place = words.index(task, start)
    return joined([name, *words[:place], sweep, *words[place:]])


def _typed(argv: Sequence[str] | None) -> tuple[str, list[str], int]:
    """Returns a line's program, its words, and how many of these name the command: they are never meant."""
    program, *words = sys.argv if argv is None else argv
    is_status = Path(program).stem in ("hsm-status", "status")
    return ("hsm-status", words, 0) if is_status else ("hsm", words, 1)


def told(error: HsmError) -> str:
    """Returns an error's text; adds the command that was typed with another word, if one is suggested."""
    line = retyped(*error.instead) if error.instead else ""
    if not (line or error.fix) and isinstance(error, ConfigError):
        name, words, count = _typed(None)
        line = joined([name, *words[:count], "--help"])
    if not line:
        return str(error)
    return str(type(error)(error.problem, evidence=error.evidence, fix=line))

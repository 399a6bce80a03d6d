"""Writes settings that an error suggests as options of the ``hsm`` command by which the sweep is resumed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence

from hsm_core.overrides import joined_without_secrets, key_of
from hsm_core.settings import RESUMED_BY
from hsm_core.views.lines_to_copy.app_line import COMMENT, NEXT, suggested, whole_lines

_SETTING = re.compile(r"[+~]*hydra[./][\w./]+(?:=|$)")
#: Settings that the commands have options for.
_OPTIONS = {"hydra.launcher.allow_changed=true": "--allow-changed", "hydra.launcher.force=true": "--force"}
#: The words of the command, the program first; none where no command of ours started this process.
_typed: list[str] = []


def note_command() -> None:
    """Takes the command out of the environment: tasks are not to see it."""
    _typed[:] = ["hsm", *map(str, json.loads(os.environ.pop(RESUMED_BY)))]


def typable(text: str) -> str:
    """Returns an error's text with lines to type that fit what the user typed."""
    return "\n".join(map(_typable, text.split("\n"))) if _typed else whole_lines(text)


def _typable(line: str) -> str:
    _, mark, comment = line.partition(COMMENT)
    words = suggested(line)
    if not words or not all(map(_SETTING.match, words)):
        return line
    anew = {key_of(word) for word in words}
    options = [option for word in words for option in _option(word)]
    return f"{NEXT}{joined_without_secrets([*_kept(_typed, anew), *options])}{mark}{comment}"


def _option(word: str) -> Sequence[str]:
    if word.startswith("hydra/launcher="):
        return ("--launcher", word.partition("=")[2])
    return (_OPTIONS[word],) if word in _OPTIONS else ("--set", word)


def _kept(typed: Sequence[str], anew: set[str]) -> Iterator[str]:
    """Yields the words of a command without the options that set these keys."""
    words = iter(typed)
    for word in words:
        option, given, value = word.partition("=")
        if option not in ("--set", "--launcher"):
            yield word
            continue
        value = value if given else next(words, "")
        if ("hydra/launcher" if option == "--launcher" else key_of(value)) not in anew:
            yield from (option, value)

"""The command that started this process, in parts, so that it can be typed again with other overrides."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: Programs that start Python programs and that must do so again: theirs is the environment, or the ranks.
STARTERS = frozenset(
    {"accelerate", "deepspeed", "hatch", "pdm", "pipenv", "pixi", "poetry", "rye", "torchrun", "uv"}
)
_STARTER_MODULES = frozenset(
    {"accelerate.commands.launch", "torch.distributed.launch", "torch.distributed.run"}
)
#: Options of the interpreter that take a word; ``-c`` and ``-m`` end its options.
_WITH_VALUE, _LAST = "WX", "cm"


@dataclass(frozen=True)
class Command:
    """A command line.

    Args:
        start: starter, interpreter and its options: ``uv run``, ``python -O``, ``torchrun --nproc-per-node=2``.
        program: the script, or ``-m`` and a module.
        arguments: what follows.
    """

    start: tuple[str, ...]
    program: tuple[str, ...]
    arguments: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """All of it."""
        return (*self.start, *self.program, *self.arguments)

    def taken(self, argv: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Arguments that the program took for itself, as they are not in what it left.

        Args:
            argv: what it left, ``sys.argv[1:]``.

        Returns:
            those before the end of what was left, and those after it.
        """
        matcher = difflib.SequenceMatcher(None, self.arguments, list(argv), autojunk=False)
        left: set[int] = set()
        for block in matcher.get_matching_blocks():
            left.update(range(block.a, block.a + block.size))
        end = max(left, default=len(self.arguments))
        words = [(index, word) for index, word in enumerate(self.arguments) if index not in left]
        before = tuple(word for index, word in words if index < end)
        return before, tuple(word for index, word in words if index > end)


def this_command(file: str, module: str) -> Command | None:
    """How this process was started; None if its command line does not name what runs in it.

    Args:
        file: the main file, absolute.
        module: its name, if it was started by that; else empty.
    """
    words = list(sys.orig_argv)
    at = _place(words, file, module)
    if at is None:
        return None
    first, length = at
    program, arguments = tuple(words[first : first + length]), tuple(words[first + length :])
    named = program[-1:] if module else (file,)
    starter = _starter([program[-1], *arguments])
    if starter is not None:
        return Command(starter, named, arguments)
    return Command((sys.executable, *words[1:first]), program if module else named, arguments)


def original_argv(file: str, module: str) -> list[str]:
    """``sys.argv`` as the interpreter made it, whatever was done to it since."""
    found = this_command(file, module)
    if found is None:
        return list(sys.argv)
    return [file if module else sys.argv[0], *found.arguments]


def _place(words: Sequence[str], file: str, module: str) -> tuple[int, int] | None:
    """Where the program stands in a command line, and how many words it takes."""
    if module:
        names = {module, module.removesuffix(".__main__")}
        pairs = (index for index in range(1, len(words) - 1) if words[index] == "-m")
        return next(((index, 2) for index in pairs if words[index + 1] in names), _after_options(words))
    for index, word in enumerate(words[1:], 1):
        if os.path.abspath(word) == file and os.path.exists(word):
            return index, 1
    return _after_options(words)


def _after_options(words: Sequence[str]) -> tuple[int, int] | None:
    """The first word of a command line of Python's that is neither an option nor belongs to one."""
    index = 1
    while index < len(words):
        word = words[index]
        if not word.startswith("-") or word == "-":
            return None if word == "-" else (index, 1)
        letters = "" if word.startswith("--") else word[1:]
        special = next((letter for letter in letters if letter in _WITH_VALUE + _LAST), "")
        is_split = word.endswith(special) if special else word == "--check-hash-based-pycs"
        if special and special in _LAST:
            return None if special == "c" else (index, 1 + is_split)
        index += 1 + is_split
    return None


def _starter(tail: Sequence[str]) -> tuple[str, ...] | None:
    """What the outermost starter among this process's parents was given before the program."""
    found, pid = None, os.getppid()
    while pid > 1:
        theirs, pid = _command_of(pid)
        if list(theirs[-len(tail) :]) != list(tail):
            break
        if _is_starter(theirs):
            found = theirs[: -len(tail)]
    return found


def _is_starter(words: Sequence[str]) -> bool:
    names = {os.path.basename(word) for word in words[:2]}
    return bool(names & STARTERS) or (words[1:2] == ("-m",) and words[2] in _STARTER_MODULES)


def _command_of(pid: int) -> tuple[tuple[str, ...], int]:
    """The words of a process's command line, and its parent; nothing where the system does not tell."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return (), 0
    return tuple(os.fsdecode(word) for word in words), int(status.rpartition(")")[2].split()[1])

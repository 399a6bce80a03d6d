"""Takes the command that started this process apart, so that it can be typed again with other overrides."""

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
    """A command line in three parts.

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
        """Returns the whole command line."""
        return (*self.start, *self.program, *self.arguments)

    def taken(self, argv: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Returns the arguments that the program took for itself, as they are not in what it left.

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


def this_command(file: str, module: str, cwd: str) -> Command | None:
    """Returns the command that started this process; None if its command line does not name what runs in it.

    Args:
        file: the main file, absolute.
        module: its name, if it was started by that; else empty.
        cwd: where the process was started.
    """
    words = list(sys.orig_argv)
    at = _place(words, file, module, cwd)
    if at is None:
        return None
    first, length = at
    program, arguments = tuple(words[first : first + length]), tuple(words[first + length :])
    starter = _starter([program[-1], *arguments])
    if not program[0].startswith("-"):  # a script, be it one that runs the main file as runpy does
        whole = os.path.abspath(os.path.join(cwd, program[0]))
        program = (whole if os.path.exists(whole) else file,)
    if starter is not None:
        return Command(starter, program[-1:], arguments)
    return Command((sys.executable, *words[1:first]), program, arguments)


def started_in(file: str, module: str, *sources: str) -> str:
    """Returns the directory in which this process was started, wherever the app went since.

    Args:
        file: ``__file__`` of the main module, as it is there: Python joins the directory with what was typed.
        module: its name, if it was started by that; else empty.
        sources: other files of the app, which may have gone elsewhere.
    """
    at = None if module else _after_options(sys.orig_argv)
    typed = os.sep + sys.orig_argv[at[0]] if at else ""
    if typed and file.endswith(typed) and file != typed:
        return file.removesuffix(typed)
    told = _variable_at_start("PWD")  # another program may have left it behind, and only set the directory
    is_gone = any(map(_goes_elsewhere, (file, *sources)))
    return told if is_gone and os.path.isabs(told) and os.path.isdir(told) else os.getcwd()


def _goes_elsewhere(file: str) -> bool:
    try:
        return b"chdir" in Path(file).read_bytes()
    except OSError:
        return False


def _variable_at_start(name: str) -> str:
    """Returns a variable as this process was given it; empty if the system does not tell."""
    try:
        entries = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    found = dict(os.fsdecode(entry).partition("=")[::2] for entry in entries)
    return found.get(name, "")


def original_argv(file: str, module: str, cwd: str) -> list[str]:
    """Returns ``sys.argv`` as the interpreter made it, whatever was done to it since."""
    found = this_command(file, module, cwd)
    if found is None:
        return list(sys.argv)
    return [file if module else sys.argv[0], *found.arguments]


def _place(words: Sequence[str], file: str, module: str, cwd: str) -> tuple[int, int] | None:
    """Returns where the program stands in a command line, and how many words it takes."""
    if module:
        names = {module, module.removesuffix(".__main__")}
        pairs = (index for index in range(1, len(words) - 1) if words[index] == "-m")
        return next(((index, 2) for index in pairs if words[index + 1] in names), _after_options(words))
    for index, word in enumerate(words[1:], 1):
        whole = os.path.abspath(os.path.join(cwd, word))
        if whole == file and os.path.exists(whole):
            return index, 1
    return _after_options(words)


def _after_options(words: Sequence[str]) -> tuple[int, int] | None:
    """Returns the first word of a Python command line that is neither an option nor belongs to one."""
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
    """Returns the words before the program of the outermost starter among this process's parents."""
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
    """Returns the words of a process's command line, and its parent; nothing if the system does not tell."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return (), 0
    return tuple(os.fsdecode(word) for word in words), int(status.rpartition(")")[2].split()[1])

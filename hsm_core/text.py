"""Writes what several parts say alike: task numbers such as ``3,7-9``, logs' ends, what a terminal may be sent."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from .model import spans

if TYPE_CHECKING:
    import logging

#: The width of what is no terminal: nothing is cut there.
UNLIMITED = 1_000_000
#: Characters that a terminal obeys or hides: C0 and C1 controls, zero-width ones, those that turn or end a line
#: (Unicode's Cf, Zl and Zp), and bytes that were no UTF-8.
UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff\ud800-\udfff]"
)
#: The colours that ``views.text.paint`` uses; no other sequence of a terminal's ever leaves.
_COLOURS = re.compile("(\x1b\\[(?:[012]|3[1-6])m)")

#: How a line begins that a shell runs as it stands: variables, then a program by its path or one of these names.
_COMMAND = re.compile(
    r"(?:[A-Za-z_]\w*=(?:'[^']*'|\"[^\"]*\"|[^\s'\"]+)\s+)*"
    r"(?:['\"]?[\w.~-]*/[^=:]*(?:\s|$)"
    r"|(?:accelerate|cd|chmod|conda|cp|deepspeed|df|eval|export|git|hatch|hsm|hsm-status|kill|less|ln|loginctl|ls"
    r"|mkdir|mpiexec|mpirun|mv|pbsnodes|pdm|pip|pipenv|pixi|poetry|python[\d.]*|q(?:conf|del|host|mgr|mod|rls|select|stat)"
    r"|rm|rsync|rye|sacct|sacctmgr|scancel|scontrol|sinfo|squeue|srun|ssh(?:-add|-copy-id|-keygen)?|sudo|torchrun|tracejob"
    r"|uv|which)(?:\s|$))"
)

#: Whole sequences for a terminal: CSI, those that carry text (OSC, DCS, …), and two or three characters (ECMA-48).
_SEQUENCE = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"
    "|(?:\x1b[\\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]*[0-Z\\\\^_`-~]"
)


def columns(stream: TextIO | None = None) -> int:
    """Returns the terminal's width, or what COLUMNS says; in a pipe or a file there is no limit.

    Args:
        stream: where the text goes; None: standard output.
    """
    if os.environ.get("COLUMNS", "").isdecimal():
        return max(40, int(os.environ["COLUMNS"]))
    try:
        return max(40, os.get_terminal_size((stream or sys.stdout).fileno()).columns)
    except (OSError, ValueError):
        return UNLIMITED


def task_ranges(numbers: Iterable[int]) -> str:
    """Returns task numbers as ``--task`` and ``hydra.launcher.only_tasks`` take them: ``3,7-9``."""
    parts = spans((number, 1) for number in sorted(numbers))
    return ",".join(str(s.first) if s.count == 1 else f"{s.first}-{s.first + s.count - 1}" for s in parts)


def read_task_ranges(text: str) -> Iterator[tuple[str, range]]:
    """Yields each part of ``3,7-9`` with the task numbers that it names, perhaps none (``9-7``).

    Raises:
        ValueError: a part is neither a number nor a range; its argument is that part.
    """
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not _is_number(first) or (dash and not _is_number(last)):
            raise ValueError(part)
        yield part, range(int(first), int(last if dash else first) + 1)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def advice(fix: str) -> str:
    """Returns what to do as the end of a message: ``next:`` and a whole line to type, or ``fix:`` and what to change.

    Args:
        fix: a command line, or a part of one, a line of a file, or a sentence.
    """
    return f"{'next' if _COMMAND.match(fix) else 'fix'}: {fix}"


def escaped(character: str) -> str:
    """Returns a character as Python writes it: ``\\x1b``, ``\\u202e``."""
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable(text: str, *, colours: bool = False) -> str:
    """Returns text for a terminal: what that would obey or hide is spelled out, but for line ends and tabs.

    Args:
        colours: keep those of ``views.text.paint``.
    """
    if not UNSEEN.search(text):
        return text
    parts = _COLOURS.split(text) if colours else [text]
    return "".join(
        part if place % 2 else UNSEEN.sub(lambda match: match[0] if match[0] in "\n\t" else escaped(match[0]), part)
        for place, part in enumerate(parts)
    )


def indented(text: str) -> str:
    """Returns text whose further lines begin further right than a message's own: none is taken for ``next:``."""
    return text if "\n" not in text else re.sub("\n(?! {4})", "\n    ", text)


def own_logger(name: str) -> logging.Logger:
    """Returns a logger of ours, whose messages are safe for a terminal, whatever Hydra's config does with them."""
    import logging  # workers have no use for it

    found = logging.getLogger(name)
    found.addFilter(_clean)
    return found


def _clean(record: logging.LogRecord) -> bool:
    """Spells out what a terminal would obey in a record, and keeps the lines of its values below its own."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            indented(str(value)) if isinstance(value, (str, os.PathLike)) else value for value in record.args
        )
    record.msg, record.args = printable(record.getMessage()), ()
    return True


def printable_log(text: str) -> str:
    """Returns what a program printed for a terminal: without colours, and a line for each that was overwritten."""
    return printable(re.sub("\r+\n?", "\n", _SEQUENCE.sub("", text)))


def tell(text: str, stream: TextIO | None = None, *, end: str = "\n") -> None:
    """Prints what hsm has to say at once, whatever the text contains.

    Args:
        stream: None: standard error.
    """
    print(printable(text), end=end, file=stream or sys.stderr, flush=True)

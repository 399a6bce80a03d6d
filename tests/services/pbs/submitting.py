"""What qsub does before it asks the server: options, directives, the script."""

from __future__ import annotations

import getopt
import os
import re
import shlex
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .wire import Told


@dataclass(frozen=True)
class Grammar:
    """What one flavour's qsub takes: its getopt string, its check of each value, its words of refusal."""

    options: str
    check: Callable[[str, str], None]
    usage: Callable[[str], Told]


@dataclass
class Options:
    """Options by letter; of one that is given again the last stands, but ``-l`` and ``-W`` add up."""

    values: dict[str, str] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)

    def add(self, letter: str, value: str) -> None:
        if letter == "l":
            self.resources |= listed(value)
        elif letter == "W":
            self.attributes |= listed(value)
        else:
            self.values[letter] = value

    def over(self, weaker: Options) -> Options:
        """These, and of the others what these leave open."""
        return Options(
            weaker.values | self.values,
            weaker.resources | self.resources,
            weaker.attributes | self.attributes,
        )


def listed(text: str) -> dict[str, str]:
    """``walltime=10,mem=1gb``; a part without a name belongs to the one before it (``umask``, ``depend``)."""
    found: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if equals or not found:
            found[name.strip()] = value
        else:
            last = next(reversed(found))
            found[last] += "," + part
    return found


def parse(argv: Sequence[str], grammar: Grammar) -> tuple[Options, list[str]]:
    """Options and what follows them.

    Raises:
        Told: an unknown option, or a value that is refused at once.
    """
    try:
        pairs, rest = getopt.getopt(list(argv), grammar.options, ["version"])
    except getopt.GetoptError as error:
        what = "option requires an argument" if "requires" in error.msg else "invalid option"
        raise grammar.usage(f"qsub: {what} -- '{error.opt}'") from None
    options = Options()
    for flag, value in pairs:
        grammar.check(flag.lstrip("-"), value)
        options.add(flag.lstrip("-"), value)
    return options, rest


def directives(script: str, grammar: Grammar, prefix: str) -> Options:
    """What the ``#PBS`` lines before the first executable line say.

    Raises:
        Told: a line that is none.
    """
    options = Options()
    for line in script.splitlines() if prefix else []:
        if line.startswith(prefix):
            options = directive(line[len(prefix) :].strip(), grammar).over(options)
        elif line.strip() and not line.lstrip().startswith(("#", ":")):
            break
    return options


def directive(line: str, grammar: Grammar) -> Options:
    wrong = Told(f"qsub: directive error: {line}\n", 1)
    try:
        words = shlex.split(line)
    except ValueError:
        raise wrong from None
    options, rest = parse(words, grammar)
    if rest:
        raise wrong
    return options


def read_script(path: str) -> str:
    """The script's text.

    Raises:
        Told: it can't be read, or is not a script.
    """
    try:
        kind = os.stat(path).st_mode
    except OSError as error:
        raise Told(f"qsub: script file:: {error.strerror}\n", 1) from None
    if not stat.S_ISREG(kind):
        raise Told("qsub: script not a file\n", 1)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise Told(f"qsub: opening script file:: {error.strerror}\n", 8) from None
    return checked(data)


def checked(data: bytes) -> str:
    if re.search(rb"\r\n", data):
        raise Told("qsub: script contains cr, lf\n", 1)
    return data.decode("utf-8", "surrogateescape")


def named(rest: Sequence[str], flavour: str) -> tuple[str, str]:
    """As ``script_and_name``, in Torque's words where it has its own."""
    if flavour == "torque" and rest and not os.path.exists(rest[0]):
        words = f"qsub: script file '{rest[0]}' cannot be loaded - No such file or directory\n"
        raise Told(words, 1)
    return script_and_name(rest)


def script_and_name(rest: Sequence[str]) -> tuple[str, str]:
    """The script's text, and the job's name if no other is given."""
    if rest and rest[0] != "-":
        return read_script(rest[0]), os.path.basename(rest[0])
    return checked(sys.stdin.buffer.read()), "STDIN"


def origin() -> dict[str, str]:
    """The variables PBS_O_…: what a job learns of where it was submitted."""
    names = ("HOME", "LANG", "LOGNAME", "PATH", "MAIL", "SHELL", "TZ")
    said = {f"PBS_O_{name}": os.environ[name] for name in names if name in os.environ}
    return said | {"PBS_O_WORKDIR": os.getcwd(), "PBS_O_SYSTEM": "Linux"}

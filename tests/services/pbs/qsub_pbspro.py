"""PBS Pro's qsub: which values it refuses itself, in its words (as measured on OpenPBS 23.06)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from .submitting import Grammar
from .wire import Told

USAGE = """\
usage: qsub [-a date_time] [-A account_string] [-c interval]
\t[-C directive_prefix] [-e path] [-f ] [-h ] [-I [-X]] [-j oe|eo] [-J X-Y[:Z]]
\t[-k keep] [-l resource_list] [-m mail_options] [-M user_list]
\t[-N jobname] [-o path] [-p priority] [-P project] [-q queue] [-r y|n]
\t[-R o|e|oe] [-S path] [-u user_list] [-W otherattributes=value...]
\t[-v variable_list] [-V ] [-z] [script | -- command [arg1 ...]]
       qsub --version
"""
ARRAY = re.compile(r"(\d+)-(\d+)(?::(\d+))?(%.*)?", re.DOTALL)
DEPENDENCY = re.compile(
    r"(after(ok|notok|any)?|before(ok|notok|any)?|runone)(:\d+(\[\])?(\.[\w.-]+)?)+|on:\d+"
)
LONGEST_NAME = 230


def usage(first: str = "") -> Told:
    return Told((first + "\n" if first else "") + USAGE, 2)


def check(letter: str, value: str) -> None:
    """Refuse a value that qsub refuses without asking the server.

    Raises:
        Told: in qsub's words.
    """
    if letter == "N" and len(value) > LONGEST_NAME:
        raise Told("qsub: Job name is too long\n", 2)
    if letter in CHECKS and not CHECKS[letter](value):
        raise usage(f"qsub: illegal -{letter} value")


def is_name(value: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z0-9_.+-]+", value, re.ASCII))


def is_array(value: str) -> bool:
    """At least two indices must fit between the ends, though a step may leave one of them."""
    found = ARRAY.fullmatch(value)
    return bool(found) and int(found[1]) < int(found[2]) and found[3] != "0"  # type: ignore[index]


def is_priority(value: str) -> bool:
    return bool(re.fullmatch(r"[+-]?\d+", value)) and -1024 <= int(value) <= 1023


def is_attributes(value: str) -> bool:
    found = re.search(r"(?:^|,)depend=([^=]*)(?:,\w+=|$)", value)
    return found is None or all(DEPENDENCY.fullmatch(part) for part in found[1].split(","))


CHECKS: dict[str, Callable[[str], bool]] = {
    "N": is_name,
    "J": is_array,
    "p": is_priority,
    "W": is_attributes,
    "j": lambda value: value in ("oe", "eo", "n"),
    "k": lambda value: value == "n" or (value != "d" and bool(re.fullmatch(r"d?[oe]{1,2}d?", value))),
    "R": lambda value: value in ("o", "e", "oe", "eo"),
    "r": lambda value: value in ("y", "n"),
    "o": lambda value: bool(value) and ":" not in value,
    "e": lambda value: bool(value) and ":" not in value,
    "l": bool,
}
GRAMMAR = Grammar("a:A:c:C:e:fhIj:J:k:l:m:M:N:o:p:P:q:r:R:S:u:v:VW:Xz", check, usage)


def check_together(values: dict[str, str], resources: dict[str, str]) -> None:
    """Refuse what does not go together.

    Raises:
        Told: in qsub's words.
    """
    if "J" in values and values.get("r") == "n":
        raise Told("qsub:  cannot submit non-rerunable Array Job\n" + USAGE, 2)
    if not {"select", "place"} & resources.keys():
        return
    if "nodes" in resources:
        raise Told("qsub: Cannot be used with select or place: nodes\n", 6)
    for name in ("ncpus", "mem", "vmem", "ngpus", "mpiprocs"):
        if name in resources:
            words = f'"-lresource=" cannot be used with "select" or "place", resource is: {name}'
            raise Told(f"qsub: {words}\n", 5)


def variables(text: str) -> dict[str, str]:
    """What ``-v`` really passes: double quotes are lost and backslashes doubled.

    Raises:
        Told: a part that is no variable, or a quote that does not end.
    """
    found = {}
    for part in split_at_commas(text):
        name, equals, value = part.strip().partition("=")
        if equals:
            found[name] = value
        elif name in os.environ:
            found[name] = os.environ[name].replace("\\", "\\\\").replace('"', "\\")
        else:
            raise Told("qsub: cannot send environment with the job\n", 1)
    return found


def split_at_commas(text: str) -> list[str]:
    parts, quote, escaped = [""], "", False
    for letter in text:
        if escaped:
            parts[-1] += letter if letter == "," else "\\\\" + ("\\\\" if letter == "\\" else letter)
        elif letter in "'\"" and not quote:
            quote = letter
        elif letter in "'\"" and letter == quote:
            quote = ""
        elif letter in "'\"":
            quote = "never"
        elif letter == "," and not quote:
            parts.append("")
        elif letter != "\\":
            parts[-1] += letter
        escaped = letter == "\\" and not escaped
    if quote:
        raise Told("qsub: cannot send environment with the job\n", 1)
    return parts

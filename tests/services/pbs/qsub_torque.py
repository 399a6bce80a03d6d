"""Torque's qsub: which values it refuses itself, in its words (as measured on Torque 6)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from .submitting import Grammar
from .wire import Told

USAGE = """\
usage: qsub [-a date_time] [-A account_string] [-b secs]
    [-c [ none | { enabled | periodic | shutdown |
    depth=<int> | dir=<path> | interval=<minutes>}... ]
    [-C directive_prefix] [-d path] [-D path]
    [-e path] [-h] [-I] [-j oe|eo|n] [-k {oe}] [-K <kill delay seconds>]\x20
    [-l resource_list] [-m n|{abe}] [-M user_list] [-N jobname] [-o path]\x20
    [-p priority] [-P proxy_user [-J <jobid]] [-q queue] [-r y|n]\x20
    [-S path] [-t number_to_submit] [-T type]  [-u user_list] [-w] path
    [-W additional_attributes] [-v variable_list] [-V ] [-x] [-X] [-z] [script]

"""


def usage(first: str = "") -> Told:
    return Told(f"[{first}]\n\n{USAGE}", 2)


def check(letter: str, value: str) -> None:
    """Refuse a value that qsub refuses without asking the server.

    Raises:
        Told: in qsub's words.
    """
    if letter in CHECKS and not CHECKS[letter](value):
        raise usage(f"qsub: illegal -{letter} value" + (" (y/n)" if letter == "r" else ""))


CHECKS: dict[str, Callable[[str], bool]] = {
    "N": lambda value: bool(re.fullmatch(r"[A-Za-z][!-~]{0,229}", value)),
    "p": lambda value: bool(re.fullmatch(r"[+-]?\d+", value)) and -1024 <= int(value) <= 1023,
    "j": lambda value: value in ("oe", "eo", "n"),
    "k": lambda value: value in ("o", "e", "oe", "eo", "n"),
    "r": lambda value: value in ("y", "n"),
    "l": bool,
}
GRAMMAR = Grammar("a:A:b:c:C:d:D:e:EfF:hi:Ij:J:k:K:l:L:m:M:nN:o:p:P:q:r:S:t:T:u:v:Vw:W:Xxz", check, usage)


def check_together(values: dict[str, str], resources: dict[str, str]) -> None:
    """Refuse what does not go together.

    Raises:
        Told: in qsub's words.
    """
    if "J" in values and "P" not in values:
        raise usage("The -J option can only be used in conjunction with -P")


def variables(text: str) -> dict[str, str]:
    """What ``-v`` passes: commas separate, whatever the quotes say."""
    found = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if equals:
            found[name] = value.replace("'", "\\'")
        elif name in os.environ:
            found[name] = os.environ[name]
    return found

"""What stands behind ``fix=`` in the code, as far as it begins with what is typed, a shell reads as it is."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: How a line begins that is to be typed; others are sentences.
TYPED = ("hsm ", "hsm-", "hydra.", "hydra/", "'", '"', "python", "export ", "ls ", "df ", "cd ", "git ", "qstat")
SPECIAL = set("()[]{}*?`;|&\\#")
QUOTED = re.compile(r"'[^']*'" + r'|"(?:[^"\\]|\\.)*"')
#: Two commands in one line, which are meant.
MEANT = {"qstat -Bf; qstat -Qf"}


def fixes() -> Iterator[tuple[str, str]]:
    for path in sorted([*ROOT.glob("hsm_core/**/*.py"), *ROOT.glob("hydra_plugins/**/*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "fix":
                text = text_of(node.value)
                if text.startswith(TYPED) and text not in MEANT:
                    yield f"{path.relative_to(ROOT)}:{node.value.lineno}", text


def text_of(node: ast.expr) -> str:
    """The text, with a plain word for what is put into it."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""


@pytest.mark.parametrize(("place", "text"), list(fixes()))
def test_a_line_to_type_is_one_line_whose_explanations_are_comments(place: str, text: str) -> None:
    line = text.split("    # ")[0]
    assert shlex.split(line), place
    assert not SPECIAL.intersection(QUOTED.sub("", line)), place
    assert ", or " not in line, place
    assert "\n" not in line, place


def test_there_are_such_lines() -> None:
    assert len(list(fixes())) > 50


#: How a command of ours begins that a value follows.
COMMAND = re.compile(r"(?:^|[ '])hsm(?:-status)?(?: -w)?(?: [a-z]+)? $")


def values_in_commands() -> Iterator[tuple[str, ast.expr]]:
    for path in sorted(ROOT.glob("hsm_core/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                for before, part in pairwise(node.values):
                    is_command = isinstance(before, ast.Constant) and COMMAND.search(str(before.value))
                    if is_command and isinstance(part, ast.FormattedValue):
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", part.value


@pytest.mark.parametrize(("place", "value"), list(values_in_commands()))
def test_what_stands_in_a_command_to_type_is_quoted(place: str, value: ast.expr) -> None:
    called = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
    ours = isinstance(value, ast.IfExp) or (isinstance(value, ast.Name) and value.id in ("where", "writer"))
    assert called in ("quoted", "joined") or ours, place

"""Replays a session with PBS that was written down: ``$ command``, what it printed (``E|`` on stderr), ``[rc=N]``.

Lines with ``!`` set a knob (Python's literals), lines with ``~`` wait: ``~ 3.pbs F`` until qstat shows that
state. ``<usage>`` stands for the usage text. Lines with ``#`` are comments.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import wait_until

from .pbs import Pbs


@dataclass
class Step:
    """One line to do, and what a command must print."""

    kind: str
    text: str
    line: int
    out: str = ""
    err: str = ""
    code: int = 0

    @property
    def said(self) -> tuple[str, str, int]:
        return self.out, self.err, self.code


def steps(text: str) -> Iterator[Step]:
    step: Step | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if line[:2] in ("$ ", "! ", "~ "):
            if step:
                yield step
            step = Step(line[0], line[2:], number)
        elif step is None or not line.strip() or line.startswith("#"):
            continue
        elif line.startswith("[rc="):
            step.code = int(line[4:-1])
        elif line.startswith("E| "):
            step.err += line[3:] + "\n"
        else:
            step.out += line + "\n"
    if step:
        yield step


def replay(pbs: Pbs, script: Path, cwd: Path, usage: str) -> list[tuple[str, object, object]]:
    """Do all steps in ``cwd``; return those that went otherwise: (command, expected, seen)."""
    different: list[tuple[str, object, object]] = []
    for step in steps(script.read_text()):
        if step.kind == "!":
            name, _, value = step.text.partition("=")
            pbs.turn(**{name: ast.literal_eval(value)})
        elif step.kind == "~":
            native_id, letter = step.text.split()
            wait_until(lambda i=native_id: state(pbs, i), what=step.text)  # type: ignore[misc]
            wait_until(lambda i=native_id, s=letter: state(pbs, i) == s, what=step.text)  # type: ignore[misc]
        else:
            step.err = step.err.replace("<usage>\n", usage)
            seen = run(pbs, step.text, cwd)
            if seen != step.said:
                different.append((f"{script.name}:{step.line} {step.text}", step.said, seen))
    return different


def run(pbs: Pbs, command: str, cwd: Path) -> tuple[str, str, int]:
    """A line of shell."""
    done = subprocess.run(
        command, shell=True, cwd=cwd, env=pbs.env | {"MYENV": "hello", "VAR": "1"}, timeout=60,
        capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return done.stdout, done.stderr, done.returncode


def state(pbs: Pbs, native_id: str) -> str:
    """The state's letter; ``gone`` of a job that the server does not know."""
    options = ["-x"] if pbs.knobs.history and pbs.knobs.flavour == "pbspro" else []
    rows = pbs.run("qstat", *options, native_id).stdout.splitlines()[2:]
    return rows[0].split()[4] if rows else "gone"

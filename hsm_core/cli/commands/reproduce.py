"""hsm reproduce: the commands that bring a task's code and packages back and run it alone."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from typing import Any

import click

from hsm_core.errors import HsmError, StoreError
from hsm_core.store.files import read_json
from hsm_core.store.state import SweepState
from hsm_core.store.tasks import TaskTable
from hsm_core.views.rerun import rerun_words

from ..clicked import open_sweep, require_tasks, sweep_argument
from ..terminal import say


@click.command("reproduce", epilog="Example: hsm reproduce latest 3 > again.sh")
@sweep_argument
@click.argument("task", type=click.IntRange(min=0))
def reproduce(sweep: str, task: int) -> int:
    """Print the commands that bring back the code and the packages of a task, and run it alone."""
    state = open_sweep(sweep)
    require_tasks(state, [task])
    say("\n".join(_lines(state, task)))
    return 0


def _lines(state: SweepState, task: int) -> Iterator[str]:
    record, paths = state.record, state.paths
    words = rerun_words(record, TaskTable(paths)[task])
    if not words:
        raise HsmError(f"{record.id} was not started from a command line", fix=f"hsm tasks {record.id}")
    code = _code(state)
    again = f"{os.path.basename(code['root'])}-{record.id}"
    python = record.versions["python"]
    yield f"# task {task} of {record.id}, begun {record.created} on {record.host}, Python {python}"
    if not record.git:
        yield f"# {code['root']} was in no git repository: its files are taken as they are now"
        yield f"cd {shlex.quote(record.cwd)}"
    else:
        add = ["git", "-C", code["root"], "worktree", "add", "--detach", f"../{again}", record.git["commit"]]
        yield shlex.join(add)
        yield f"cd {shlex.quote(os.path.join(os.path.dirname(code['root']), again))}"
        if paths.patch.exists():
            yield f"git apply {shlex.quote(str(paths.patch))}"
        for name in code["untracked"]:
            yield f"# git did not know {name}; copy it from {code['root']} if the task needs it"
        inside = os.path.relpath(record.cwd, code["root"])
        if inside != ".":
            yield f"cd {shlex.quote(inside)}"
    yield "python3 -m venv .venv-again"
    yield f".venv-again/bin/pip install -r {shlex.quote(str(paths.requirements))}"
    yield shlex.join([".venv-again/bin/python", *_moved(words[1:], record.cwd)])


def _code(state: SweepState) -> dict[str, Any]:
    try:
        return read_json(state.paths.code)
    except (OSError, ValueError) as error:
        raise StoreError(f"what {state.record.id} ran is not recorded", evidence=str(error)) from error


def _moved(words: list[str], cwd: str) -> list[str]:
    """A script is named relative to where the sweep was started: the one that was brought back."""
    script = words[0]
    return [os.path.relpath(script, cwd), *words[1:]] if os.path.isabs(script) else words

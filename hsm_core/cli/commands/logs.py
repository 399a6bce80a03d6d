"""hsm logs: what a task printed, or the sweep's story."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from hsm_core.errors import HsmError
from hsm_core.model import ENDED
from hsm_core.store.state import SweepState
from hsm_core.views.phase import phase_of
from hsm_core.views.story import Story, tail

from ..clicked import open_sweep, require_tasks, sweep_argument
from ..terminal import remark, say

_EVERY_S = 0.5


@click.command(
    "logs", epilog="Examples:  hsm logs latest 3 -f   hsm logs latest 3 --stderr   hsm logs latest"
)
@sweep_argument
@click.argument("task", type=click.IntRange(min=0), required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the task, or the sweep, has ended.")
@click.option("--stderr", is_flag=True, help="What it printed on standard error, tracebacks included.")
def logs(sweep: str, task: int | None, follow: bool, stderr: bool) -> int:
    """Show what a task printed; without a task the sweep's story in order, from all workers."""
    state = open_sweep(sweep)
    if task is None:
        story = Story(state.paths)
        _follow(state, lambda: _tell(story), lambda: _is_over(state), follow)
    else:
        require_tasks(state, [task])
        _print_task(state, task, stderr, follow)
    return 0


def _print_task(state: SweepState, task: int, stderr: bool, follow: bool) -> None:
    path, offset = _log(state, task, stderr), 0
    if path is None and not follow:
        raise HsmError(f"task {task} has not begun", fix=f"hsm logs {state.record.id} {task} -f")
    if path is not None:
        remark(str(path))

    def more() -> None:
        nonlocal path, offset
        path = path or _log(state, task, stderr)
        if path is not None:
            text, offset = tail(path, offset)
            sys.stdout.write(text.encode(sys.stdout.encoding, "replace").decode(sys.stdout.encoding))

    _follow(state, more, lambda: state.state_of(task) in ENDED, follow)


def _follow(state: SweepState, more: Callable[[], None], over: Callable[[], bool], follow: bool) -> None:
    """Print what there is; then what comes, until it is over."""
    while follow and not over():
        more()
        sys.stdout.flush()
        time.sleep(_EVERY_S)
        state.refresh()
    more()


def _tell(story: Story) -> None:
    for line in story.news():
        say(line)


def _log(state: SweepState, task: int, stderr: bool) -> Path | None:
    """A task's log; its worker's while, or if, it never began."""
    files = state.task_directory(task)
    if files is not None:
        return files.stderr if stderr else files.stdout
    known = state.tasks.get(task)
    return state.worker_log(known.worker) if known and known.worker else None


def _is_over(state: SweepState) -> bool:
    return phase_of(state, state.counts()) != "running"

"""hsm tasks: the tasks of a sweep, a line each."""

from __future__ import annotations

import csv
import difflib
import io
import sys
from collections.abc import Sequence

import click

from hsm_core.errors import ConfigError
from hsm_core.model import STATES, State, Task
from hsm_core.overrides import joined, quoted
from hsm_core.results.formats.cells import harmless
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.tasks import TaskTable
from hsm_core.text import UNLIMITED, columns
from hsm_core.views.failures.reasons import Reasons
from hsm_core.views.status.sweep_json import enveloped
from hsm_core.views.task_list import COLUMNS, TaskRow, task_json, task_lines

from ..click_types import examples, json_option, open_asked, sweep_argument
from ..terminal import colour_on, remark, say, say_json, write


@click.command("tasks", epilog=examples("hsm tasks latest --state failed,lost"))
@sweep_argument
@click.option("--state", "states", metavar="STATES", help="Only tasks in these states, such as failed,lost.")
@click.option(
    "--format", "form", type=click.Choice(["table", "wide", "json", "csv", "ids"]), default="table",
    help="How to print them; a table is cut on a terminal only.",
)
@click.option("--limit", type=click.IntRange(min=1), help="At most N tasks.", metavar="N")
@click.option("-q", "quiet", is_flag=True, help="Same as --format ids.")
@click.option("--raw-cells", is_flag=True, help="In CSV, put no ' before text that a spreadsheet would compute.")
@json_option
def tasks(
    sweep: str, states: str | None, form: str, limit: int | None, quiet: bool, raw_cells: bool, as_json: bool
) -> int:
    """List the tasks of a sweep, a line each."""
    state = open_asked(sweep)
    wanted = _states(states)
    found = [task for task in TaskTable(state.paths) if not wanted or state.state_of(task.number) in wanted]
    _print(state, found[:limit], "json" if as_json else "ids" if quiet else form, raw_cells)
    return 0


def _states(text: str | None) -> set[State]:
    words = {word.strip() for word in text.split(",")} if text else set()
    for word in words - set(STATES):
        near = difflib.get_close_matches(word, STATES, n=1)
        raise ConfigError(
            f"'{word}' is not a state", evidence=f"there are: {', '.join(STATES)}",
            instead=(word, near[0] if near else "failed"),
        )  # fmt: skip
    return {state for state in STATES if state in words}


def _print(state: SweepState, found: Sequence[Task], form: str, raw_cells: bool) -> None:
    if form == "ids":
        for task in found:
            say(str(task.number))
    elif form == "json":
        reasons = Reasons(state)
        say_json(enveloped(sweep=state.record.id, tasks=[task_json(state, task, reasons) for task in found]))
    elif form == "csv":
        write(_csv(state, found, raw_cells))
    else:
        width = None if form == "wide" or columns() == UNLIMITED else columns()
        for line in task_lines(state, found, width=width, colour=colour_on(sys.stdout)):
            say(line)
        if width is not None and any(state.state_of(task.number) in ("failed", "lost") for task in found):
            remark(f"next: hsm errors {quoted(state.record.selector)}    # why tasks failed")


def _csv(state: SweepState, found: Sequence[Task], raw_cells: bool) -> str:
    stream, reasons = io.StringIO(), Reasons(state)
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for task in found:
        row = _csv_row(task_json(state, task, reasons))
        writer.writerow(row if raw_cells else map(harmless, row))
    return stream.getvalue()


def _csv_row(found: TaskRow) -> list[object]:
    cells: dict[str, object] = {**found, "overrides": joined(found["overrides"])}
    return [cells[name] for name in COLUMNS]

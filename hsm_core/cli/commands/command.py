"""hsm command: the line that runs one task alone."""

from __future__ import annotations

import click

from hsm_core.overrides import without_secrets
from hsm_core.store.tasks import TaskTable
from hsm_core.views.lines_to_copy.rerun import require_line, rerun_line
from hsm_core.views.status.sweep_json import enveloped

from ..click_types import examples, json_option, open_sweep, require_tasks, sweep_argument
from ..terminal import say, say_json


@click.command("command", epilog=examples("hsm command latest 3"))
@sweep_argument
@click.argument("task", type=click.IntRange(min=0))
@json_option
def command(sweep: str, task: int, as_json: bool) -> int:
    """Print the line that runs one task alone."""
    state = open_sweep(sweep)
    require_tasks(state, [task])
    found = TaskTable(state.paths)[task]
    require_line(state.record, found)
    line = rerun_line(state.record, found)
    if as_json:
        overrides = [without_secrets(text) for text in found.overrides]
        say_json(enveloped(sweep=state.record.id, task=task, command=line, overrides=overrides))
    else:
        say(line)
    return 0

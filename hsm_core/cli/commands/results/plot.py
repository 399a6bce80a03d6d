"""hsm plot: metrics by parameter, and learning curves, in the terminal."""

from __future__ import annotations

import sys

import click

from hsm_core.errors import ConfigError
from hsm_core.overrides import quoted
from hsm_core.results.curves import curves
from hsm_core.results.table import best_first, known_metric, numeric
from hsm_core.text import columns
from hsm_core.views.plots import by_parameter, learning_curves

from ...click_types import examples, open_sweep, sweep_argument
from ...terminal import colour_on, remark, say
from .options import asked_for, best_option, declared_metric, largest_option, rows_of

#: Columns where the output is no terminal.
_WIDTH = 80


@click.command("plot", epilog=examples("hsm plot latest --best val_loss", "hsm plot latest --curves --top 3"))
@sweep_argument
@best_option
@largest_option
@click.option("--curves", "as_curves", is_flag=True, help="Draw the learning curves of the best tasks.")
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, metavar="N", help="How many curves.")
def plot(sweep: str, best: str | None, largest: bool | None, as_curves: bool, top: int) -> int:
    """Draw a metric by parameter, or learning curves."""
    state = open_sweep(sweep)
    rows = rows_of([state])
    wanted = asked_for([state], best, largest, "" if best is None else "--best")
    wanted = wanted or declared_metric([state], rows, largest)
    if wanted is None:
        known = numeric(rows)
        fix = f"--best {quoted(known[0])}" if known else ""
        evidence = f"known metrics: {', '.join(known) or 'none'}"
        raise ConfigError("name a metric: the sweep declares none", evidence=evidence, fix=fix, instead=("", fix))
    metric, room = known_metric(rows, wanted[0]), min(columns(), 100) if sys.stdout.isatty() else _WIDTH
    if as_curves:
        tasks = [row.task for row in best_first(rows, metric, wanted[1], top)]
        lines = learning_curves(curves(state, [metric], tasks), metric, width=room, colour=colour_on(sys.stdout))
        if not lines:
            remark(f"no task wrote {metric} step by step")
    else:
        lines = by_parameter(rows, metric, width=room, colour=colour_on(sys.stdout))
        if not lines:
            remark("no parameter varies, or no task has the metric")
    for line in lines:
        say(line)
    return 0

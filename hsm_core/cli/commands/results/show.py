"""hsm results: parameters and metrics, a row per task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from hsm_core.results.formats.output import FORMATS
from hsm_core.results.metrics import is_finite
from hsm_core.results.pareto import objectives, pareto
from hsm_core.results.rows import Row
from hsm_core.results.table import Spread, Table, best_first, choose, group, known_metric, tabulate, where
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.shown_results import hoisted, shortened
from hsm_core.views.status.left_view import left_line, read_left_views
from hsm_core.views.text import clean

from ...click_types import SWEEP, examples, open_each
from ...terminal import remark
from .options import (
    Best,
    asked_for,
    best_option,
    declared_metric,
    form_of,
    give,
    known_modes,
    largest_option,
    line_choice,
    line_option,
    names_in,
    output_option,
    predicate,
    raw_option,
    remarks_on_lacking,
    rows_of,
)


@click.command(
    "results",
    epilog=examples("hsm results latest --best val_loss --top 5", "hsm results latest --group-by model"),
)
@click.argument("sweeps", nargs=-1, required=True, type=SWEEP, metavar="SWEEP…")
@best_option
@largest_option
@click.option("--top", type=click.IntRange(min=1), help="Show only the best N.", metavar="N")
@click.option(
    "--pareto", "front", metavar="METRICS",
    help="Only tasks that no other beats in all of these, such as val_loss,accuracy:max.",
)  # fmt: skip
@click.option("--group-by", metavar="KEYS", help="Show mean ± std and n over everything else.")
@click.option("--where", "condition", metavar="EXPR", help="Only tasks that fit, such as 'lr < 0.01'.")
@click.option("--columns", "names", metavar="NAMES", help="Show these columns, in this order.")
@click.option("--format", "form", type=click.Choice(["table", *FORMATS]), help="How to print them.")
@output_option
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@raw_option
@line_option
def results(
    sweeps: Sequence[str], best: str | None, largest: bool | None, top: int | None, front: str | None,
    group_by: str | None, condition: str | None, names: str | None, form: str | None, output: Path | None,
    as_json: bool, raw_cells: bool, line: str,
) -> int:  # fmt: skip
    """Show parameters and metrics, a row per task.

    Metrics are what the task function returns (a number, or a dict with numbers), or what the task writes to
    metrics.json, metrics.jsonl or Lightning's metrics.csv.
    """
    chosen = form_of("json" if as_json else form, output, "table")
    states = open_each(sweeps)
    option = "--best" if best is not None else "--top" if top is not None else ""
    asked = asked_for(states, best, largest, option)
    every = rows_of(states, line_choice(states, asked, line))
    found = where(every, predicate(condition, every)) if condition else every
    wanted = asked or declared_metric(states, every, largest)
    if wanted and not any(known_metric(every, wanted[0]) in row.metrics for row in found):
        wanted, found = None, [] if top else found
    if front:
        goals = objectives(front, every, known_modes(states))
        found, wanted, asked = pareto(found, goals), goals[0], goals[0]
    _remark_on(states, every)
    if group_by:
        table = group(found, names_in(group_by), best=wanted, top=top)
        table = choose(table, names_in(names)) if names else table
    else:
        found = best_first(found, *wanted, top) if wanted else found
        is_for_people = chosen in ("table", "md")
        table = tabulate(found, names_in(names) if names else None, among=every, sweep=not is_for_people)
    if chosen != "table":
        give(table, chosen, output, raw_cells)
        return 0
    if wanted and (not asked or largest is None):
        _say_how_sorted(wanted, states)
    _show(table, wanted, names)
    return 0


def _remark_on(states: Sequence[SweepState], every: Sequence[Row]) -> None:
    for state in states:
        if state.paths.earlier:
            remark(f"{state.record.id}: return values only, as a later sweep uses its directory")
        for left in read_left_views(state):
            remark(left_line(left, state.record))
    for told in remarks_on_lacking(states, every):
        remark(told)


def _say_how_sorted(wanted: Best, states: Sequence[SweepState]) -> None:
    first = "largest" if wanted[1] == "max" else "smallest"
    known = "as declared" if wanted[0] in known_modes(states) else "--max for the largest"
    remark(f"sorted by {clean(wanted[0])}, the {first} first, {known}")


def _show(table: Table, wanted: Best | None, names: str | None) -> None:
    """Shows a table to people: what differs, by short names, with a star at the best."""
    column = next((one for one in table.columns if wanted and one in (wanted[0], f"metric.{wanted[0]}")), "")
    best = [0] if table.lines and column and _is_finite(table.lines[0].get(column)) else []
    same: dict[str, object] = {}
    if not names:
        table, same = hoisted(table, keep=(column,))
        table = shortened(table)
    give(table, "table", None, False, same=same, best=best)


def _is_finite(value: object) -> bool:
    return is_finite(value.mean if isinstance(value, Spread) else value)

"""hsm compare: two sweeps side by side."""

from __future__ import annotations

from pathlib import Path

import click

from hsm_core.errors import ConfigError
from hsm_core.model import counted
from hsm_core.overrides import quoted
from hsm_core.results.compare import Comparison, compare
from hsm_core.results.formats.export import show
from hsm_core.results.formats.output import FORMATS
from hsm_core.results.table import known_metric, numeric
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.shown_results import shortened
from hsm_core.views.text import clean

from ...click_types import SWEEP, examples, open_each
from ...terminal import remark
from .options import form_of, give, known_modes, names_in, output_option, raw_option, rows_of


@click.command(
    "compare",
    epilog=examples("hsm compare baseline wider", "hsm compare baseline wider --metric val_loss --over seed"),
)
@click.argument("first", type=SWEEP, metavar="SWEEP")
@click.argument("second", type=SWEEP, metavar="SWEEP")
@click.option("--metric", metavar="METRIC", help="What to compare (the metric that the sweeps declare).")
@click.option("--over", metavar="KEYS", default="", help="Take the mean over these parameters, such as seed.")
@click.option("--format", "form", type=click.Choice(["table", *FORMATS]), help="How to print them.")
@output_option
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@raw_option
def command(
    first: str, second: str, metric: str | None, over: str, form: str | None, output: Path | None, as_json: bool,
    raw_cells: bool,
) -> int:  # fmt: skip
    """Show two sweeps side by side.

    A line for each set of parameters that both have: the metric of each, and the difference.
    """
    chosen = form_of("json" if as_json else form, output, "table")
    states = open_each((first, second))
    if len(states) < 2:
        raise ConfigError(
            f"'{first}' and '{second}' are one sweep: compare takes two", evidence=states[0].record.id,
            fix="hsm list --all    # the others",
        )  # fmt: skip
    sides = [rows_of([state]) for state in states]
    every = [row for rows in sides for row in rows]
    name = known_metric(every, metric or _declared(states, numeric(every)))
    found = compare(sides[0], sides[1], name, names_in(over))
    table = shortened(found.table) if chosen == "table" else found.table
    give(table, chosen, output, raw_cells)
    if chosen == "table" or output is not None:
        _say(found, name)
    return 0


def _declared(states: list[SweepState], known: list[str]) -> str:
    declared = next(iter(known_modes(states)), None)
    if declared is None:
        fix = f"--metric {quoted(known[0])}" if known else ""
        evidence = f"known metrics: {', '.join(known) or 'none'}"
        raise ConfigError("name a metric: the sweeps declare none", evidence=evidence, fix=fix, instead=("", fix))
    return declared


def _say(found: Comparison, metric: str) -> None:
    """Says what the table adds up to."""
    spread = found.difference
    deviation = f" ± {spread.deviation:.2g}" if spread.count > 1 else ""
    pairs = counted(spread.count, "pair")
    remark(f"{clean(metric)}: {spread.mean:+.4g}{deviation} from the first to the second, over {pairs}")
    for name, (one, other) in found.fixed.items():
        remark(clean(f"{name}: {show(one)} in the first, {show(other)} in the second"))
    if any(found.unpaired):
        one, other = found.unpaired
        remark(f"without a partner: {counted(one, 'task')} of the first, {other} of the second")

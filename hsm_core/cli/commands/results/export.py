"""hsm export: every parameter and metric in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from hsm_core.results.formats.output import FORMATS
from hsm_core.results.table import best_first, everything

from ...click_types import SWEEP, examples, open_each
from .options import (
    asked_for,
    best_option,
    form_of,
    give,
    largest_option,
    line_choice,
    line_option,
    output_option,
    raw_option,
    rows_of,
)


@click.command("export", epilog=examples("hsm export latest -o results.csv", "hsm export latest -o r.parquet"))
@click.argument("sweeps", nargs=-1, required=True, type=SWEEP, metavar="SWEEP…")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Format, in place of the suffix.")
@output_option
@best_option
@largest_option
@raw_option
@line_option
def export(
    sweeps: Sequence[str], form: str | None, output: Path | None, best: str | None, largest: bool | None,
    raw_cells: bool, line: str,
) -> int:  # fmt: skip
    """Write every overridden parameter and every metric to a file.

    In CSV, text that a spreadsheet would compute, such as =1+1, gets a ' before it; --raw-cells leaves it out.
    """
    chosen = form_of(form, output, "csv")
    states = open_each(sweeps)
    asked = asked_for(states, best, largest, "" if best is None else "--best")
    found = rows_of(states, line_choice(states, asked, line))
    give(everything(best_first(found, *asked) if asked else found), chosen, output, raw_cells)
    return 0

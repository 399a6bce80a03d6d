"""hsm results and hsm export: what the tasks returned, as tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from hsm_core.errors import ConfigError
from hsm_core.plan.expression import parse
from hsm_core.results import export as formats
from hsm_core.results.columns import columns_of
from hsm_core.results.metrics import Mode
from hsm_core.results.rows import Row, rows
from hsm_core.results.table import Table, best_first, choose, everything, group, tabulate, where
from hsm_core.store.state import SweepState
from hsm_core.views.result_table import table_text

from ..clicked import SWEEP, open_each
from ..terminal import colour_on, columns, remark, say, write

Best = tuple[str, Mode]
_WRITERS: dict[str, Callable[[Table], str]] = {
    "csv": formats.to_csv, "json": formats.to_json, "jsonl": formats.to_jsonl, "md": formats.to_markdown,
}  # fmt: skip
_line_option = click.option(
    "--line", type=click.Choice(["last", "best"]), default="last",
    help="Of files with a line a step: the last value, or the line of the best.",
)  # fmt: skip


@click.command(
    "results",
    epilog="Examples:  hsm results latest --best val_loss --top 5   hsm results latest --group-by model",
)
@click.argument("sweeps", nargs=-1, required=True, type=SWEEP, metavar="SWEEP…")
@click.option("--best", metavar="METRIC", help="Sort by this metric, the smallest first.")
@click.option("--max/--min", "largest", default=None, help="The largest (smallest) is best.")
@click.option("--top", type=click.IntRange(min=1), help="Only so many of the best.")
@click.option("--group-by", metavar="KEYS", help="Mean ± std and n over everything else.")
@click.option("--where", "condition", metavar="EXPR", help="Only tasks for which this holds: 'lr < 0.01'.")
@click.option("--columns", "names", metavar="NAMES", help="These columns, in this order.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json", "md"]), default="table")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@_line_option
def results(
    sweeps: Sequence[str], best: str | None, largest: bool | None, top: int | None, group_by: str | None,
    condition: str | None, names: str | None, form: str, as_json: bool, line: str,
) -> int:  # fmt: skip
    """Show the results of sweeps: a row a task, with the parameters that vary and the metrics."""
    states = open_each(sweeps)
    wanted = _wanted(states, best, largest, sort=bool(best or top))
    every = _rows(states, _line_choice(states, wanted, line))
    found = where(every, _predicate(condition, every)) if condition else every
    if group_by:
        table = group(found, _names(group_by), best=wanted, top=top)
        table = choose(table, _names(names)) if names else table
    else:
        found = best_first(found, *wanted, top) if wanted else found
        table = tabulate(found, _names(names) if names else None, among=every)
    _print(table, "json" if as_json else form)
    return 0


@click.command("export", epilog="Example: hsm export latest --format csv -o results.csv")
@click.argument("sweeps", nargs=-1, required=True, type=SWEEP, metavar="SWEEP…")
@click.option("--format", "form", type=click.Choice(["csv", "json", "jsonl", "md", "parquet"]), default="csv")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file; else the screen."
)
@_line_option
def export(sweeps: Sequence[str], form: str, output: Path | None, line: str) -> int:
    """Write all results of sweeps to a file: every parameter and every metric."""
    states = open_each(sweeps)
    found = _rows(states, _line_choice(states, _wanted(states, None, None, sort=False), line))
    table = everything(found)
    if form == "parquet":
        if output is None:
            raise ConfigError(
                "a Parquet file needs a name", fix="hsm export latest --format parquet -o results.parquet"
            )
        formats.write_parquet(table, output)
    elif output is None:
        write(_WRITERS[form](table))
    else:
        output.write_text(_WRITERS[form](table), encoding="utf-8", errors="backslashreplace")
    if output is not None:
        remark(f"{len(table.lines)} rows in {output.absolute()}")
    return 0


def _rows(states: Iterable[SweepState], best: Best | None) -> list[Row]:
    return [row for state in states for row in rows(state, best=best)]


def _wanted(
    states: Sequence[SweepState], best: str | None, largest: bool | None, *, sort: bool
) -> Best | None:
    """The metric to sort by and its mode: as asked for, or as the sweep's config says."""
    known = dict(pair for state in states for pair in state.record.metric)
    name = best or next(iter(known), None)
    if not sort:
        return None
    if name is None:
        raise ConfigError(
            "--top needs to know which metric", fix="hsm results latest --best val_loss --top 5"
        )
    mode = known.get(name, "min") if largest is None else "max" if largest else "min"
    return name, "max" if mode == "max" else "min"


def _line_choice(states: Sequence[SweepState], wanted: Best | None, line: str) -> Best | None:
    if line == "last":
        return None
    chosen = wanted or _wanted(states, None, None, sort=True)
    return chosen


def _predicate(text: str, found: Sequence[Row]) -> Callable[[dict[str, Any]], bool]:
    """A condition over the columns of a row; a row that lacks one is left out."""
    named = columns_of(found)
    known = {name for row in found for name in named.findable(row)}
    with _told_of_where():
        expression = parse(text, known)
    unknown = [name for name in expression.names if name not in known]
    if unknown:
        raise ConfigError(f"no column '{unknown[0]}'", evidence=f"there are: {', '.join(sorted(known))}")

    def holds(line: dict[str, Any]) -> bool:
        with _told_of_where():
            return all(name in line for name in expression.names) and expression.holds(line)

    return holds


@contextmanager
def _told_of_where() -> Iterator[None]:
    """A sweep's ``exclude`` reads conditions too, and its errors name it."""
    try:
        yield
    except ConfigError as error:
        problem = error.problem.replace("exclude:", "--where:", 1)
        fix = error.fix.replace("model == 'vit' and lr > 0.1", "lr < 0.01")
        raise ConfigError(problem, evidence=error.evidence, fix=fix) from None


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _print(table: Table, form: str) -> None:
    if form != "table":
        write(_WRITERS[form](table))
    elif table.lines:
        for line in table_text(table, width=columns(), colour=colour_on(sys.stdout)):
            say(line)
    else:
        remark("no tasks fit")

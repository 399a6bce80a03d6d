"""hsm results and hsm export: what the tasks returned, as tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from hsm_core.errors import ConfigError
from hsm_core.model import counted
from hsm_core.overrides import quoted
from hsm_core.plan.condition_typos import meant
from hsm_core.plan.expression import parse
from hsm_core.results.columns import columns_of
from hsm_core.results.metrics import Mode
from hsm_core.results.missing_metrics import HOW_TO_RETURN, missing_metrics
from hsm_core.results.output import FORMATS, format_of, text_of, write_table
from hsm_core.results.rows import Row
from hsm_core.results.table import (
    Table,
    best_first,
    choose,
    everything,
    group,
    known_metric,
    numeric,
    require_names,
    tabulate,
    where,
)
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.text import columns
from hsm_core.views.explained_rows import explained_rows
from hsm_core.views.result_table import table_text
from hsm_core.views.status.left_view import left_line, read_left_views
from hsm_core.views.text import clean

from ..click_types import SWEEP, examples, open_each
from ..terminal import colour_on, remark, say, write

Best = tuple[str, Mode]
#: ``--best`` without a name: the metric that the sweep declares.
_DECLARED = ""
_best_option = click.option(
    "--best", is_flag=False, flag_value=_DECLARED, metavar="[METRIC]",
    help="Sort by this metric (the one that the sweep declares), smallest first.",
)  # fmt: skip
_largest_option = click.option("--max/--min", "largest", default=None, help="Which is best.")
_line_option = click.option(
    "--line", type=click.Choice(["last", "best"]), default="last",
    help="From files with a line per step, take the last line or the best.",
)  # fmt: skip
_output_option = click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    callback=lambda _context, _option, value: None if value == Path("-") else value,
    help="Write to a file in the format of its suffix: .csv .tsv .json .jsonl .md .parquet",
)  # fmt: skip


_raw_option = click.option(
    "--raw-cells", is_flag=True, help="In CSV, put no ' before text that a spreadsheet would compute, such as =1+1."
)


@click.command(
    "results",
    epilog=examples("hsm results latest --best val_loss --top 5", "hsm results latest --group-by model"),
)
@click.argument("sweeps", nargs=-1, required=True, type=SWEEP, metavar="SWEEP…")
@_best_option
@_largest_option
@click.option("--top", type=click.IntRange(min=1), help="Show only the best N.", metavar="N")
@click.option("--group-by", metavar="KEYS", help="Show mean ± std and n over everything else.")
@click.option("--where", "condition", metavar="EXPR", help="Only tasks that fit, such as 'lr < 0.01'.")
@click.option("--columns", "names", metavar="NAMES", help="Show these columns, in this order.")
@click.option("--format", "form", type=click.Choice(["table", *FORMATS]), help="How to print them.")
@_output_option
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@_raw_option
@_line_option
def results(
    sweeps: Sequence[str], best: str | None, largest: bool | None, top: int | None, group_by: str | None,
    condition: str | None, names: str | None, form: str | None, output: Path | None, as_json: bool, raw_cells: bool,
    line: str,
) -> int:  # fmt: skip
    """Show parameters and metrics, a row per task.

    Metrics are what the task function returns (a number, or a dict with numbers), or what the task writes to
    metrics.json, metrics.jsonl or Lightning's metrics.csv.
    """
    chosen = _format("json" if as_json else form, output, "table")
    states = open_each(sweeps)
    option = "--best" if best is not None else "--top" if top is not None else ""
    asked = _asked_for(states, best, largest, option)
    every = _rows(states, _line_choice(states, asked, line))
    found = where(every, _predicate(condition, every)) if condition else every
    wanted = asked or _declared(states, every, largest)
    if wanted:
        name = known_metric(every, wanted[0])
        if not any(name in row.metrics for row in found):
            wanted, found = None, [] if top else found
    for state in states:
        if state.paths.earlier:
            remark(f"{state.record.id}: return values only, as a later sweep uses its directory")
        for left in read_left_views(state):
            remark(left_line(left, state.record))
    for told in _lacking(states, every):
        remark(told)
    if group_by:
        table = group(found, _names(group_by), best=wanted, top=top)
        table = choose(table, _names(names)) if names else table
    else:
        found = best_first(found, *wanted, top) if wanted else found
        is_for_people = chosen in ("table", "md")
        table = tabulate(found, _names(names) if names else None, among=every, sweep=not is_for_people)
    if wanted and chosen == "table" and (not asked or largest is None):
        first = "largest" if wanted[1] == "max" else "smallest"
        known = "as declared" if wanted[0] in _known_modes(states) else "--max for the largest"
        remark(f"sorted by {clean(wanted[0])}, the {first} first, {known}")
    _give(table, chosen, output, raw_cells)
    return 0


@click.command("export", epilog=examples("hsm export latest -o results.csv", "hsm export latest -o r.parquet"))
@click.argument("sweeps", nargs=-1, required=True, type=SWEEP, metavar="SWEEP…")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Format, in place of the suffix.")
@_output_option
@_best_option
@_largest_option
@_raw_option
@_line_option
def export(
    sweeps: Sequence[str], form: str | None, output: Path | None, best: str | None, largest: bool | None,
    raw_cells: bool, line: str,
) -> int:  # fmt: skip
    """Write every overridden parameter and every metric to a file.

    In CSV, text that a spreadsheet would compute, such as =1+1, gets a ' before it; --raw-cells leaves it out.
    """
    chosen = _format(form, output, "csv")
    states = open_each(sweeps)
    asked = _asked_for(states, best, largest, "" if best is None else "--best")
    found = _rows(states, _line_choice(states, asked, line))
    _give(everything(best_first(found, *asked) if asked else found), chosen, output, raw_cells)
    return 0


def _format(form: str | None, output: Path | None, usual: str) -> str:
    """Returns the format to write, and checks before anything is read that it can be written.

    Raises:
        ConfigError: the file's suffix does not say it, or a screen can't show it.
    """
    if output is not None:
        if form == "table":
            told = f"there are: {', '.join(FORMATS)}"
            raise ConfigError("'table' is not a file format", evidence=told, instead=("table", "csv"))
        return format_of(output, form)
    if form == "parquet":
        fix = "-o results.parquet"
        raise ConfigError("name the Parquet file", fix=fix, instead=("", fix))
    return form or usual


def _rows(states: Iterable[SweepState], best: Best | None) -> list[Row]:
    return [row for state in states for row in explained_rows(state, best=best)]


def _asked_for(
    states: Sequence[SweepState], best: str | None, largest: bool | None, option: str
) -> Best | None:
    """Returns the metric to sort by, and its mode: as typed, or as the sweep declares.

    Args:
        option: what wants it; empty: nothing does.

    Raises:
        ConfigError: neither says it.
    """
    known = _known_modes(states)
    name = best or next(iter(known), None)
    if not option:
        return None
    if name is None:
        there = list(dict.fromkeys(name for row in _rows(states, None) for name in row.metrics))
        raise ConfigError(
            f"{option} needs a metric, as the sweep declares none",
            evidence=f"there are: {', '.join(there)}" if there else "no task has a metric",
            fix=f"--best {quoted(there[0])}" if there else HOW_TO_RETURN,
            instead=_with_metric(option, there[0]) if there else None,
        )  # fmt: skip
    return name, _mode(known, name, largest)


def _with_metric(option: str, name: str) -> tuple[str, str]:
    """Returns the option that needs a metric, and the same option with one."""
    best = f"--best {quoted(name)}"
    return option, best if option == "--best" else f"{best} {option}"


def _declared(states: Sequence[SweepState], found: Sequence[Row], largest: bool | None) -> Best | None:
    """Returns the first metric that the sweeps declare and for which a task has a number."""
    known = _known_modes(states)
    returned = set(numeric(found))
    return next(((name, _mode(known, name, largest)) for name in known if name in returned), None)


def _lacking(states: Sequence[SweepState], every: Sequence[Row]) -> Iterator[str]:
    """Yields the remark that there is no metric at all, or which of the declared ones are missing."""
    more, has_none = "    # more: hsm results --help", not any(row.metrics for row in every)
    if has_none and any(row.state == "completed" for row in every) and not _known_modes(states):
        yield f"no metrics: {HOW_TO_RETURN}{more}"
    for state in states:
        declared = [name for name, _ in state.record.metric]
        for told in missing_metrics(declared, (row for row in every if row.sweep == state.record.id)):
            yield f"warning: {clean(told)}{more if has_none else ''}"


def _known_modes(states: Sequence[SweepState]) -> dict[str, str]:
    return dict(pair for state in states for pair in state.record.metric)


def _mode(known: dict[str, str], name: str, largest: bool | None) -> Mode:
    mode = known.get(name, "min") if largest is None else "max" if largest else "min"
    return "max" if mode == "max" else "min"


def _line_choice(states: Sequence[SweepState], asked: Best | None, line: str) -> Best | None:
    if line == "last":
        return None
    return asked or _asked_for(states, None, None, "--line")


def _predicate(text: str, found: Sequence[Row]) -> Callable[[dict[str, object]], bool]:
    """Returns a condition over the columns of a row; it is false for a row that lacks one."""
    named = columns_of(found)
    known = {name for row in found for name in named.findable(row)}
    with _told_of_where(text, known):
        expression = parse(text, known)
        require_names(expression.names, known)

    def holds(line: dict[str, object]) -> bool:
        with _told_of_where(text, known):
            return all(name in line for name in expression.names) and expression.holds(line)

    return holds


@contextmanager
def _told_of_where(text: str, known: set[str]) -> Iterator[None]:
    """Reports errors of ``exclude``, which reads conditions too, as errors of this option, with a suggestion."""
    try:
        yield
    except ConfigError as error:
        problem = error.problem.replace("exclude:", "--where:", 1)
        fix = error.fix.replace("model == 'vit' and lr > 0.1", "lr < 0.01")
        right = meant(text, known.__contains__, sorted(known))
        instead = (text, right) if right and right != text else error.instead
        raise ConfigError(problem, evidence=error.evidence, fix=fix, instead=instead) from None


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _give(table: Table, form: str, output: Path | None, raw_cells: bool) -> None:
    """Writes the file, or shows the table."""
    if output is not None:
        write_table(table, output, form, raw_cells=raw_cells)
        remark(f"{counted(len(table.lines), 'row')} as {form} in {output.absolute()}")
    elif form != "table":
        write(text_of(table, form, raw_cells=raw_cells))
    elif table.lines:
        for line in table_text(table, width=columns(), colour=colour_on(sys.stdout)):
            say(line)
    else:
        remark("no task matches")

"""Options and steps that the commands about results share: which metric, which rows, in what form."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from hsm_core.errors import ConfigError
from hsm_core.model import counted
from hsm_core.overrides import quoted
from hsm_core.plan.condition_typos import meant
from hsm_core.plan.expression import parse
from hsm_core.results.columns import columns_of
from hsm_core.results.formats.export import show
from hsm_core.results.formats.output import BINARIES, FORMATS, format_of, text_of, write_table
from hsm_core.results.metrics import Mode
from hsm_core.results.missing_metrics import HOW_TO_RETURN, missing_metrics
from hsm_core.results.rows import Row
from hsm_core.results.table import Table, numeric, require_names
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.text import columns
from hsm_core.views.explained_rows import explained_rows
from hsm_core.views.result_table import table_text
from hsm_core.views.text import clean

from ...terminal import colour_on, remark, say, write

Best = tuple[str, Mode]
#: ``--best`` without a name: the metric that the sweep declares.
_DECLARED = ""
best_option = click.option(
    "--best", is_flag=False, flag_value=_DECLARED, metavar="[METRIC]",
    help="Sort by this metric (the one that the sweep declares), smallest first.",
)  # fmt: skip
largest_option = click.option("--max/--min", "largest", default=None, help="Which is best.")
line_option = click.option(
    "--line", type=click.Choice(["last", "best"]), default="last",
    help="From files with a line per step, take the last line or the best.",
)  # fmt: skip
output_option = click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    callback=lambda _context, _option, value: None if value == Path("-") else value,
    help="Write to a file in the format of its suffix: .csv .tsv .json .jsonl .md .parquet .xlsx",
)  # fmt: skip
raw_option = click.option(
    "--raw-cells", is_flag=True, help="In CSV, put no ' before text that a spreadsheet would compute, such as =1+1."
)


def form_of(form: str | None, output: Path | None, usual: str) -> str:
    """Returns the format to write, and checks before anything is read that it can be written.

    Raises:
        ConfigError: the file's suffix does not say it, or a screen can't show it.
    """
    if output is not None:
        if form == "table":
            told = f"there are: {', '.join(FORMATS)}"
            raise ConfigError("'table' is not a file format", evidence=told, instead=("table", "csv"))
        return format_of(output, form)
    if form in BINARIES:
        fix = f"-o results.{form}"
        raise ConfigError(f"name the {form} file", fix=fix, instead=("", fix))
    return form or usual


def rows_of(states: Iterable[SweepState], best: Best | None = None) -> list[Row]:
    """Returns the tasks of sweeps, one after another, with the reasons why they are not completed."""
    return [row for state in states for row in explained_rows(state, best=best)]


def asked_for(
    states: Sequence[SweepState], best: str | None, largest: bool | None, option: str
) -> Best | None:
    """Returns the metric to sort by, and its mode: as typed, or as the sweep declares.

    Args:
        option: what wants it; empty: nothing does.

    Raises:
        ConfigError: neither says it.
    """
    known = known_modes(states)
    name = best or next(iter(known), None)
    if not option:
        return None
    if name is None:
        there = list(dict.fromkeys(name for row in rows_of(states, None) for name in row.metrics))
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


def declared_metric(states: Sequence[SweepState], found: Sequence[Row], largest: bool | None) -> Best | None:
    """Returns the first metric that the sweeps declare and for which a task has a number."""
    known = known_modes(states)
    returned = set(numeric(found))
    return next(((name, _mode(known, name, largest)) for name in known if name in returned), None)


def remarks_on_lacking(states: Sequence[SweepState], every: Sequence[Row]) -> Iterator[str]:
    """Yields the remark that there is no metric at all, or which of the declared ones are missing."""
    more, has_none = "    # more: hsm results --help", not any(row.metrics for row in every)
    if has_none and any(row.state == "completed" for row in every) and not known_modes(states):
        yield f"no metrics: {HOW_TO_RETURN}{more}"
    for state in states:
        declared = [name for name, _ in state.record.metric]
        for told in missing_metrics(declared, (row for row in every if row.sweep == state.record.id)):
            yield f"warning: {clean(told)}{more if has_none else ''}"


def known_modes(states: Sequence[SweepState]) -> dict[str, str]:
    return dict(pair for state in states for pair in state.record.metric)


def _mode(known: dict[str, str], name: str, largest: bool | None) -> Mode:
    mode = known.get(name, "min") if largest is None else "max" if largest else "min"
    return "max" if mode == "max" else "min"


def line_choice(states: Sequence[SweepState], asked: Best | None, line: str) -> Best | None:
    if line == "last":
        return None
    return asked or asked_for(states, None, None, "--line")


def predicate(text: str, found: Sequence[Row]) -> Callable[[dict[str, object]], bool]:
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


def names_in(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def give(
    table: Table, form: str, output: Path | None, raw_cells: bool, *, same: Mapping[str, object] | None = None,
    best: Collection[int] = (),
) -> None:  # fmt: skip
    """Writes the file, or shows the table.

    Args:
        same: what all its lines have in common, and the table leaves out.
        best: its lines that get a star.
    """
    if output is not None:
        write_table(table, output, form, raw_cells=raw_cells)
        remark(f"{counted(len(table.lines), 'row')} as {form} in {output.absolute()}")
    elif form != "table":
        write(text_of(table, form, raw_cells=raw_cells))
    elif table.lines:
        for line in table_text(table, width=columns(), colour=colour_on(sys.stdout), starred=best):
            say(line)
        if same:
            told = ", ".join(f"{name} {show(value)}" for name, value in same.items())
            remark(f"the same in all: {clean(told)}")
    else:
        remark("no task matches")

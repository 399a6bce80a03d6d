"""hsm report: sweeps as one page for the browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from hsm_core.errors import HsmError
from hsm_core.overrides import quoted
from hsm_core.results.rows import Row
from hsm_core.results.table import known_metric, numeric
from hsm_core.safe_open import make_directory
from hsm_core.store.files import write_atomically
from hsm_core.store.ownership.own_sweep import require_own
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.report.by_source import by_source, performance_yaml
from hsm_core.views.report.content import content, nonzero
from hsm_core.views.report.page import page
from hsm_core.views.report.task_facts import task_facts

from ...click_types import SWEEP, examples, open_each
from ...terminal import remark
from ..results.options import Best, asked_for, best_option, declared_metric, largest_option, rows_of

#: Where parts of the report go, below the sweep's directory.
_PARTS = {
    "completion": "completion_report.html",
    "errors": "error_analysis.html",
    "performance": "performance_analysis.yaml",
}


@click.command("report", epilog=examples("hsm report latest", "hsm report latest --best val_loss -o lr.html"))
@click.argument("sweeps", nargs=-1, required=True, type=SWEEP, metavar="SWEEP…")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("report.html"), show_default=True,
    metavar="FILE", help="Where to write it.",
)  # fmt: skip
@best_option
@largest_option
@click.option("--completion", "parts", flag_value="completion", multiple=True, help="Write how far it is.")
@click.option("--errors", "parts", flag_value="errors", multiple=True, help="Write what failed.")
@click.option("--performance", "parts", flag_value="performance", multiple=True, help="Write what it used.")
def report(
    sweeps: Sequence[str], output: Path, best: str | None, largest: bool | None, parts: Sequence[str]
) -> int:
    """Write sweeps as one page for the browser.

    The page is one file and loads nothing from the net. --completion, --errors and --performance write parts of it
    into the sweep's directory, below reports.
    """
    states = open_each(sweeps)
    if parts:
        for state in states:
            _write_parts(state, parts, best, largest)
        return 0
    rows = rows_of(states)
    title = ", ".join(state.record.id for state in states)
    _write(output, page(title, content(states, rows, chosen_metric(states, rows, best, largest))))
    return 0


def chosen_metric(
    states: Sequence[SweepState],
    rows: Sequence[Row],
    best: str | None,
    largest: bool | None,
    *,
    say: bool = True,
) -> Best | None:
    """Returns the metric that was asked for, or that the sweeps declare, or the first that there is.

    Args:
        say: remark on the latter.

    Raises:
        ConfigError: no task has the one that was asked for.
    """
    asked = asked_for(states, best, largest, "" if best is None else "--best")
    if asked is not None:
        return known_metric(rows, asked[0]), asked[1]
    declared = declared_metric(states, rows, largest)
    if declared is not None or not (known := numeric(rows)):
        return declared
    if say:
        remark(
            f"by {known[0]}, the {'largest' if largest else 'smallest'} first: the sweep declares no metric"
        )
    return known[0], "max" if largest else "min"


def _write_parts(state: SweepState, parts: Sequence[str], best: str | None, largest: bool | None) -> None:
    require_own(state.paths, lambda root: f"hsm report {quoted(str(root))} -o report.html")
    shown: dict[str, object] = {}
    folder = state.paths.root / "reports"
    with _told(folder):
        make_directory(folder)
    if {"completion", "errors"} & {*parts}:
        rows = rows_of([state])
        shown = content([state], rows, chosen_metric([state], rows, best, largest))
    for part in dict.fromkeys(parts):
        if part == "performance":
            text = performance_yaml(state.record.id, nonzero(state.counts()), by_source(task_facts(state)))
        else:
            text = page(state.record.id, shown, part)
        _write(folder / _PARTS[part], text)


def _write(path: Path, text: str) -> None:
    with _told(path):
        write_atomically(path, text.encode())
    remark(f"wrote {path}")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tells what could not be written.

    Raises:
        HsmError: it can't be.
    """
    try:
        yield
    except OSError as error:
        raise HsmError(
            f"can't write {path}", evidence=str(error), fix="-o FILE    # another place"
        ) from error

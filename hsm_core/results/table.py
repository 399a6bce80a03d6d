"""Rows of results chosen, sorted and grouped, as a table of named columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hsm_core.errors import ConfigError

from .metrics import Mode, merit
from .parameters import varying
from .rows import Row

Cells = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """Names of the columns, and a mapping a line; a line lacks what it has no value for."""

    columns: tuple[str, ...]
    lines: tuple[Cells, ...]


@dataclass(frozen=True)
class Spread:
    """A metric over a group: mean, sample standard deviation (NaN for one) and how many."""

    mean: float
    deviation: float
    count: int


def cells(row: Row) -> Cells:
    """All that is known of a row, by column; a metric hides a parameter of the same name."""
    return {"sweep": row.sweep, "task": row.task, "state": row.state, **row.parameters, **row.metrics}


def tabulate(
    rows: Sequence[Row], columns: Sequence[str] | None = None, *, among: Sequence[Row] | None = None
) -> Table:
    """A line a task.

    Args:
        columns: the wanted ones; else the task, what varies, and all metrics.
        among: the rows that these were chosen from: what varies in them is shown.
    """
    among = rows if among is None else among
    several = ["sweep"] if len({row.sweep for row in among}) > 1 else []
    lines = tuple(cells(row) for row in rows)
    swept = [name for name in varying(row.parameters for row in among) if name not in _metric_names(rows)]
    chosen = columns or [*several, "task", "state", *swept, *_metric_names(rows)]
    if columns:
        _require(columns, {name for line in lines for name in line})
    return Table(tuple(chosen), lines)


def where(rows: Iterable[Row], holds: Callable[[Cells], bool]) -> list[Row]:
    """The rows for which a condition holds."""
    return [row for row in rows if holds(cells(row))]


def best_first(rows: Sequence[Row], metric: str, mode: Mode, top: int | None = None) -> list[Row]:
    """Sorted by a metric; what isn't finite comes last, and is never among the top."""
    _require([metric], set(_metric_names(rows)))
    ordered = sorted(rows, key=lambda row: merit(row.metrics.get(metric), mode))
    if top is None:
        return ordered
    return [row for row in ordered if not merit(row.metrics.get(metric), mode)[0]][:top]


def group(rows: Sequence[Row], by: Sequence[str]) -> Table:
    """A line for each combination of ``by``: mean ± std and n of each metric over everything else."""
    _require(by, {name for row in rows for name in row.parameters})
    metrics = _metric_names(rows)
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(repr([row.parameters.get(name) for name in by]), []).append(row)
    lines = []
    for members in groups.values():
        line: Cells = {name: members[0].parameters.get(name) for name in by} | {"n": len(members)}
        lines.append(line | {name: spread for name in metrics if (spread := _spread(members, name))})
    return Table((*by, "n", *metrics), tuple(lines))


def _spread(rows: Sequence[Row], metric: str) -> Spread | None:
    values = [float(found) for row in rows if isinstance(found := row.metrics.get(metric), int | float)]
    if not values:
        return None
    mean = sum(values) / len(values)
    squares = sum((value - mean) ** 2 for value in values)
    deviation = math.sqrt(squares / (len(values) - 1)) if len(values) > 1 else math.nan
    return Spread(mean, deviation, len(values))


def _metric_names(rows: Iterable[Row]) -> list[str]:
    return list({name: None for row in rows for name in row.metrics})


def _require(names: Iterable[str], known: set[str]) -> None:
    import difflib

    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            has = ", ".join(sorted(known)) or "none yet"
            raise ConfigError(
                f"no column '{name}'", evidence=f"there are: {has}", fix=near[0] if near else ""
            )

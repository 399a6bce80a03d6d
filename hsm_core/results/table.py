"""Chooses, sorts and groups rows of results, as a table of named columns."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hsm_core.errors import ConfigError

from .columns import Cells, Columns, Kind, columns_of
from .metrics import Mode, merit
from .missing_metrics import HOW_TO_RETURN
from .parameters import varying
from .rows import Row

#: What a task's own words can be grouped by, beside its parameters.
_GROUPING = ("sweep", "state")
#: Stands for the value of a row that has none: null is one.
_MISSING = object()


@dataclass(frozen=True)
class Table:
    """The names of columns, and a mapping a line; a line lacks what it has no value for.

    Args:
        sweeps: ids of those that the lines are of.
        kinds: of the columns that are no words of the table's own: ``parameter`` or ``metric``.
    """

    columns: tuple[str, ...]
    lines: tuple[Cells, ...]
    sweeps: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)

    def kind_of(self, column: str) -> Kind:
        """Returns the kind of a column: ``task`` for facts about a task or a group itself."""
        return self.kinds.get(column) or self.kinds.get(column.rpartition(".")[0], "task")


@dataclass(frozen=True)
class Spread:
    """A metric over a group: mean, sample standard deviation (NaN for a single value) and count."""

    mean: float
    deviation: float
    count: int


def tabulate(
    rows: Sequence[Row], columns: Sequence[str] | None = None, *, among: Sequence[Row] | None = None,
    sweep: bool = False,
) -> Table:  # fmt: skip
    """Returns a table with a line a task.

    Args:
        columns: the wanted ones; else the task, what varies, and all metrics.
        among: the rows that these were chosen from: what varies in them is shown.
        sweep: name the sweep even if there is only one.

    Raises:
        ConfigError: no row has a wanted column.
    """
    among = rows if among is None else among
    named = columns_of(among)
    sweeps = _sweeps(among)
    if columns:
        require_names(columns, {name for row in among for name in named.findable(row)})
        findable = tuple(named.findable(row) for row in rows)
        return Table(tuple(columns), findable, sweeps, named.kinds)
    several = ["sweep"] if sweep or len(sweeps) > 1 else []
    swept = [named.parameters[name] for name in varying(row.parameters for row in among)]
    metrics = [named.metrics[name] for name in _metric_names(rows)]
    return Table((*several, "task", "state", *swept, *metrics), tuple(map(named.cells, rows)), sweeps, named.kinds)


def everything(rows: Sequence[Row]) -> Table:
    """Returns a line a task with all that is known: sweep, number, state, every parameter, every metric."""
    named = columns_of(rows)
    reason = ["reason"] if any(row.reason for row in rows) else []
    columns = ("sweep", "task", "state", *reason, *named.parameters.values(), *named.metrics.values())
    return Table(columns, tuple(map(named.cells, rows)), _sweeps(rows), named.kinds)


def choose(table: Table, columns: Sequence[str]) -> Table:
    """Returns the same lines with these columns.

    Raises:
        ConfigError: there is no such column.
    """
    require_names(columns, {*table.columns, *(name for line in table.lines for name in line)})
    return replace(table, columns=tuple(columns))


def where(rows: Sequence[Row], holds: Callable[[Cells], bool]) -> list[Row]:
    """Returns the rows for which a condition holds."""
    named = columns_of(rows)
    return [row for row in rows if holds(named.findable(row))]


def best_first(rows: Sequence[Row], metric: str, mode: Mode, top: int | None = None) -> list[Row]:
    """Returns the rows sorted by a metric; what isn't finite comes last, and is never among the top."""
    name = known_metric(rows, metric)
    ordered = sorted(rows, key=lambda row: merit(row.metrics.get(name), mode))
    if top is None:
        return ordered
    return [row for row in ordered if not merit(row.metrics.get(name), mode)[0]][:top]


def group(
    rows: Sequence[Row], by: Sequence[str], *, best: tuple[str, Mode] | None = None, top: int | None = None
) -> Table:
    """Returns a line for each combination of ``by``: mean ± std and n of each metric over everything else.

    Args:
        by: parameters, ``sweep`` or ``state``.
        best: sort by the mean of this metric.
        top: only so many groups.
    """
    named = columns_of(rows)
    unknown = [name for name in by if name not in _GROUPING and named.parameter(name) not in named.parameters]
    require_names(unknown, {*_GROUPING, *named.parameters})
    keys = [name if name in _GROUPING else named.parameters[named.parameter(name)] for name in by]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        cells = named.cells(row)
        groups.setdefault(repr([cells.get(key, _MISSING) for key in keys]), []).append(row)
    lines = [_group_line(members, keys, named) for members in groups.values()]
    if best is not None:
        lines = _best_groups(lines, named.metrics[known_metric(rows, best[0])], best[1], top)
    return Table((*keys, "n", *named.metrics.values()), tuple(lines), _sweeps(rows), named.kinds)


def _group_line(members: Sequence[Row], keys: Sequence[str], named: Columns) -> Cells:
    cells = named.cells(members[0])
    line: Cells = {key: cells[key] for key in keys if key in cells}
    spreads = {column: _spread(members, name) for name, column in named.metrics.items()}
    return {**line, "n": len(members), **{name: found for name, found in spreads.items() if found}}


def _best_groups(lines: Sequence[Cells], column: str, mode: Mode, top: int | None) -> list[Cells]:
    def worth(line: Cells) -> tuple[bool, float]:
        spread = line.get(column)
        return merit(spread.mean if isinstance(spread, Spread) else None, mode)

    ordered = sorted(lines, key=worth)
    return ordered if top is None else [line for line in ordered if not worth(line)[0]][:top]


def _spread(rows: Sequence[Row], metric: str) -> Spread | None:
    values = [_number(found) for row in rows if isinstance(found := row.metrics.get(metric), int | float)]
    if not values:
        return None
    if not all(map(math.isfinite, values)):
        return Spread(sum(values) / len(values), math.nan, len(values))
    deviation = statistics.stdev(values) if len(values) > 1 else math.nan
    return Spread(statistics.mean(values), deviation, len(values))


def _number(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer of more than 308 digits
        return math.inf if value > 0 else -math.inf


def _sweeps(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.sweep for row in rows))


def _metric_names(rows: Iterable[Row]) -> list[str]:
    return list({name: None for row in rows for name in row.metrics})


def numeric(rows: Iterable[Row]) -> list[str]:
    """Returns the metrics that can be sorted by: at least one task has a number."""
    return list({name: None for row in rows for name, value in row.metrics.items() if isinstance(value, int | float)})


def known_metric(rows: Sequence[Row], asked: str) -> str:
    """Returns the name of the metric that is meant.

    Raises:
        ConfigError: no row has it, or none has a number for it.
    """
    known = set(_metric_names(rows))
    name = columns_of(rows).metric(asked)
    sortable = numeric(rows)
    require_names([] if name in known else [asked], set(sortable) or known, "metric")
    values = [row.metrics[name] for row in rows if row.metrics.get(name) is not None]
    if name not in sortable and values:
        kind = "text" if all(isinstance(value, str) for value in values) else "no number"
        raise ConfigError(
            f"'{name}' is {kind} and can't be sorted",
            evidence=f"numeric metrics: {', '.join(sorted(sortable)) or 'none'}",
            fix=f"--best {sortable[0]}" if sortable else "",
            instead=(asked, sortable[0]) if sortable else None,
        )  # fmt: skip
    return name


def require_names(names: Iterable[str], known: set[str], kind: str = "column") -> None:
    """Refuses names of columns or metrics that do not exist.

    Raises:
        ConfigError: it says which there are, and which was meant.
    """
    import difflib

    for name in names:
        if name not in known:
            shortest = sorted(one for one in known if (plain := _without_kind(one)) == one or plain not in known)
            ends = [one for one in shortest if one.rpartition(".")[2] == name]
            near = ends or difflib.get_close_matches(name, known, n=1)
            has = f"there are: {', '.join(shortest)}" if known else f"no task has a {kind}"
            near = near or (shortest[:1] if kind == "metric" else [])
            raise ConfigError(
                f"no {kind} '{name}'", evidence=has, fix=near[0] if near else "" if known else HOW_TO_RETURN,
                instead=(name, near[0]) if near else None,
            )  # fmt: skip


def _without_kind(column: str) -> str:
    return column.removeprefix("param.").removeprefix("metric.")

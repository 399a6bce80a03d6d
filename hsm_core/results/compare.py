"""Sets two sweeps side by side: the same parameters, a metric of each, and the difference."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hsm_core.errors import ConfigError
from hsm_core.overrides import quoted

from .columns import columns_of
from .metrics import is_finite_float
from .parameters import varying
from .rows import Row
from .table import Spread, Table

_MISSING = object()


@dataclass(frozen=True)
class Comparison:
    """Two sweeps side by side.

    Args:
        table: a line for each set of parameters that both have: parameters, the metric of each (its mean, where
            several tasks have the same), ``difference`` (second less first), ``n`` of tasks on each side.
        difference: mean of the differences, their sample standard deviation and count.
        unpaired: tasks of each sweep that have the metric, and no partner in the other.
        fixed: parameters that are the same within each sweep, and differ between the two, with both values.
    """

    table: Table
    difference: Spread
    unpaired: tuple[int, int]
    fixed: dict[str, tuple[object, object]]


def compare(first: Sequence[Row], second: Sequence[Row], metric: str, over: Collection[str] = ()) -> Comparison:
    """Compares a metric of tasks with the same parameters.

    Tasks are the same if they agree in every parameter that varies within one of the two sweeps.

    Args:
        over: parameters to take the mean over, such as ``seed``.

    Raises:
        ConfigError: no task of one has the parameters of a task of the other.
    """
    sides = [[row for row in rows if is_finite_float(row.metrics.get(metric))] for rows in (first, second)]
    swept = list(dict.fromkeys(name for rows in (first, second) for name in varying(row.parameters for row in rows)))
    keys = [name for name in swept if name not in over]
    groups = [_grouped(rows, keys) for rows in sides]
    both = [key for key in groups[0] if key in groups[1]]
    if not both:
        raise ConfigError(
            "no task of one sweep has the parameters of a task of the other",
            evidence=f"compared: {', '.join(keys)}; tasks with {metric}: {len(sides[0])} and {len(sides[1])}",
            fix=f"--over {quoted(','.join(keys))}    # means over all of them; or fewer",
        )  # fmt: skip
    named = columns_of([*first, *second])
    names = _names(first, second)
    lines, differences = [], []
    for key in both:
        one, other = groups[0][key], groups[1][key]
        means = [statistics.fmean(_value(row, metric) for row in rows) for rows in (one, other)]
        differences.append(means[1] - means[0])
        count: object = len(one) if len(one) == len(other) else f"{len(one)}, {len(other)}"
        shared = {named.parameters[name]: one[0].parameters[name] for name in keys if name in one[0].parameters}
        lines.append({**shared, names[0]: means[0], names[1]: means[1], "difference": differences[-1], "n": count})
    columns = (*(named.parameters[name] for name in keys), *names, "difference", "n")
    lonely = [sum(len(rows) for key, rows in group.items() if key not in both) for group in groups]
    return Comparison(
        Table(columns, tuple(lines), tuple(names), {**named.kinds, **dict.fromkeys(names, "metric")}),
        _spread(differences), (lonely[0], lonely[1]), _fixed(first, second, swept),
    )  # fmt: skip


def _grouped(rows: Sequence[Row], keys: Sequence[str]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(repr([row.parameters.get(name, _MISSING) for name in keys]), []).append(row)
    return groups


def _value(row: Row, metric: str) -> float:
    value = row.metrics[metric]
    assert isinstance(value, (int, float))
    return float(value)


def _spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else math.nan, len(values))


def _names(first: Sequence[Row], second: Sequence[Row]) -> list[str]:
    names = [rows[0].sweep for rows in (first, second)]
    return names if names[0] != names[1] else [names[0], f"{names[1]} (again)"]


def _fixed(first: Sequence[Row], second: Sequence[Row], swept: Collection[str]) -> dict[str, tuple[object, object]]:
    one, other = first[0].parameters, second[0].parameters
    names = [name for name in {**one, **other} if name not in swept]
    return {
        name: (one.get(name), other.get(name)) for name in names
        if repr(one.get(name, _MISSING)) != repr(other.get(name, _MISSING))
    }  # fmt: skip

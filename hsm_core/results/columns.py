"""Names the columns of a table so that parameters, metrics and the sweep's own words never share one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from .rows import Row

Cells = dict[str, object]
Kind = Literal["task", "parameter", "metric"]
#: What a table says of a task itself, and ``n`` of a group.
OWN = ("sweep", "task", "state", "reason", "n")


@dataclass(frozen=True)
class Columns:
    """The column of each parameter and of each metric.

    A parameter or metric has its own name where that is free; ``task``, ``state`` and the like are taken,
    and a parameter goes before a metric: ``param.task``, ``metric.lr``. Either form may be asked for.
    """

    parameters: dict[str, str]
    metrics: dict[str, str]

    def cells(self, row: Row) -> Cells:
        """Returns everything known of a row, by column."""
        reason = {"reason": row.reason} if row.reason else {}
        return {
            "sweep": row.sweep, "task": row.task, "state": row.state, **reason,
            **{self.parameters[name]: value for name, value in row.parameters.items()},
            **{self.metrics[name]: value for name, value in row.metrics.items()},
        }  # fmt: skip

    def findable(self, row: Row) -> Cells:
        """Returns the same, also by plain names that nothing else has here, and by the longer names."""
        longer = {f"param.{name}": value for name, value in row.parameters.items()}
        longer |= {f"metric.{name}": value for name, value in row.metrics.items()}
        found = {**row.metrics, **row.parameters, **longer, **self.cells(row)}
        short = {end: found[name] for name, end in self._short.items() if end not in found and name in found}
        source = {"source": row.source} if row.source else {}
        return {**source, **short, **found}

    @cached_property
    def _short(self) -> Mapping[str, str]:
        """Returns the short names that tables show, by column; see ``short_names``."""
        return short_names([*OWN, *self.parameters.values(), *self.metrics.values()])

    @property
    def kinds(self) -> dict[str, Kind]:
        """Returns which columns are parameters and which metrics, by all names that may be asked for."""
        found: dict[str, Kind] = dict.fromkeys(self.metrics, "metric")
        found |= dict.fromkeys(self.parameters, "parameter")
        found |= {f"metric.{name}": "metric" for name in self.metrics}
        found |= {f"param.{name}": "parameter" for name in self.parameters}
        found |= dict.fromkeys(OWN, "task")
        found |= dict.fromkeys(self.metrics.values(), "metric")
        return found | dict.fromkeys(self.parameters.values(), "parameter")

    def parameter(self, asked: str) -> str:
        """Returns the parameter that is meant by a column's name."""
        return _meant(asked, "param.", self.parameters, self._short)

    def metric(self, asked: str) -> str:
        """Returns the metric that is meant by a column's name."""
        return _meant(asked, "metric.", self.metrics, self._short)


def columns_of(rows: Iterable[Row]) -> Columns:
    """Returns the columns of these rows, in the order of first appearance."""
    found = list(rows)
    parameters = list(dict.fromkeys(name for row in found for name in row.parameters))
    metrics = list(dict.fromkeys(name for row in found for name in row.metrics))
    taken = {*OWN, *(name for name in parameters if name not in OWN)}
    named = {name: name if name not in OWN else _free(f"param.{name}", taken) for name in parameters}
    free = {name for name in metrics if name not in taken}
    taken |= free
    return Columns(
        named, {name: name if name in free else _free(f"metric.{name}", taken) for name in metrics}
    )


def short_names(columns: Collection[str]) -> Mapping[str, str]:
    """Returns the short name of each column: ``lr`` for ``optimizer.lr``, unless there are two of them."""
    ends = Counter(name.rpartition(".")[2] for name in columns)
    return {name: end if ends[end := name.rpartition(".")[2]] == 1 and end else name for name in columns}


def _meant(asked: str, prefix: str, known: Mapping[str, str], short: Mapping[str, str]) -> str:
    plain = asked.removeprefix(prefix)
    if asked in known or plain in known:
        return asked if asked in known else plain
    return next((name for name, column in known.items() if short.get(column) == asked), plain)


def _free(name: str, taken: set[str]) -> str:
    """Returns a name that is not taken, and takes it."""
    while name in taken:
        name = f"{name}_"
    taken.add(name)
    return name

"""Makes a table of results easy to read: what all lines have in common goes out, and names become short."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from hsm_core.results.columns import short_names
from hsm_core.results.table import Table

#: Columns that stay, though all lines may have the same in them.
_STAYING = ("task", "n")


def hoisted(table: Table, keep: Collection[str] = ()) -> tuple[Table, dict[str, object]]:
    """Returns the table without the columns that have the same value in all lines, and these values by column.

    Metrics stay if none of them differs: they are what the table is for.

    Args:
        keep: columns that stay, such as the one that was sorted by.
    """
    if len(table.lines) < 2:
        return table, {}
    first = table.lines[0]
    same = {
        name: first[name] for name in table.columns
        if name not in _STAYING and name not in keep and name in first
        and all(name in line and repr(line[name]) == repr(first[name]) for line in table.lines)
    }  # fmt: skip
    metrics = [name for name in table.columns if table.kind_of(name) == "metric"]
    if same.keys() >= {*metrics}:
        same = {name: value for name, value in same.items() if name not in metrics}
    return replace(table, columns=tuple(name for name in table.columns if name not in same)), same


def shortened(table: Table) -> Table:
    """Returns the table with the last words of dotted names as columns, where nothing else known has that name."""
    names = short_names({*table.columns, *(name for line in table.lines for name in line)})
    lines = tuple({names.get(name, name): value for name, value in line.items()} for line in table.lines)
    kinds = {names.get(name, name): kind for name, kind in table.kinds.items()}
    return replace(table, columns=tuple(names[name] for name in table.columns), lines=lines, kinds=kinds)

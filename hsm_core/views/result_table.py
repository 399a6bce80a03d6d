"""A table of results as text that fits the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from hsm_core.results.export import show
from hsm_core.results.table import Table

from .words import clean, paint, shorten

#: A column that is cut keeps at least this many characters.
_NARROWEST = 6


def table_text(table: Table, *, width: int = 80, colour: bool = False) -> Iterator[str]:
    """Numbers to the right, text to the left; the widest columns are shortened in their middle."""
    rows = [[clean(show(line.get(name))) for name in table.columns] for line in table.lines]
    widths = fitting([max(map(len, cells)) for cells in zip(table.columns, *rows, strict=True)], width)
    right = [_is_numeric(table, name) for name in table.columns]
    yield paint(_line(list(table.columns), widths, right), "dim", colour)
    for row in rows:
        yield _line(row, widths, right)


def fitting(widths: list[int], room: int) -> list[int]:
    """Take from the widest columns until all fit, or none can give more."""
    found = list(widths)
    while sum(found) + 2 * (len(found) - 1) > room and max(found) > _NARROWEST:
        found[found.index(max(found))] -= 1
    return found


def _line(cells: list[str], widths: list[int], right: list[bool]) -> str:
    parts = [
        f"{shorten(cell, size):>{size}}" if numeric else f"{shorten(cell, size):<{size}}"
        for cell, size, numeric in zip(cells, widths, right, strict=True)
    ]
    return "  ".join(parts).rstrip()


def _is_numeric(table: Table, name: str) -> bool:
    return any(isinstance(line.get(name), int | float) for line in table.lines)

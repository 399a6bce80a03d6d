"""Writes a table of results as text that fits the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from hsm_core.results.export import show
from hsm_core.results.table import Spread, Table

from .text import clean, paint, shorten

#: A column of text, or a heading, that is cut keeps at least this many characters.
_NARROWEST = 6


@dataclass
class _Column:
    """A column with its cells, its width and its smallest width.

    Args:
        numeric: it has numbers.
        whole: characters of the longest cell that is never cut: a number or a state.
    """

    name: str
    cells: list[str]
    numeric: bool
    whole: int
    width: int = 0
    least: int = 0

    def __post_init__(self) -> None:
        self.width = max(len(self.name), *map(len, self.cells), 0)
        self.least = max(self.whole, min(_NARROWEST, self.width))

    def show(self, text: str) -> str:
        cut = shorten(text, self.width)
        return cut.rjust(self.width) if self.numeric else cut.ljust(self.width)


def table_text(table: Table, *, width: int = 80, colour: bool = False) -> Iterator[str]:
    """Yields lines: numbers right-aligned and whole, text left-aligned and cut if need be; names columns left out."""
    columns = [_column(table, name) for name in table.columns]
    ends = accumulate(column.least + 2 for column in columns)
    shown = columns[: max(1, sum(end - 2 <= width for end in ends))]
    narrow(shown, width)
    yield paint("  ".join(column.show(column.name) for column in shown).rstrip(), "dim", colour)
    for row in range(len(table.lines)):
        yield "  ".join(column.show(column.cells[row]) for column in shown).rstrip()
    if len(shown) < len(columns):
        hidden = ", ".join(column.name for column in columns[len(shown) :])
        yield shorten(f"columns without room: {hidden}", width - 24) + "    (--columns, COLUMNS)"


def narrow(columns: Sequence[_Column], width: int) -> None:
    """Takes width from the widest columns until all fit, or until none can give more."""
    while _total(column.width for column in columns) > width:
        giving = [column for column in columns if column.width > column.least]
        if not giving:
            return
        max(giving, key=lambda column: column.width).width -= 1


def _column(table: Table, name: str) -> _Column:
    values = [line.get(name) for line in table.lines]
    cells = [clean(_shown(line[name], line.get("n"))) if name in line else "" for line in table.lines]
    are_numbers = [isinstance(value, int | float | Spread) for value in values]
    whole = [len(cell) for cell, is_number in zip(cells, are_numbers, strict=True) if is_number or name == "state"]
    return _Column(clean(name), cells, any(are_numbers), max(whole, default=0))


def _shown(value: object, size: object) -> str:
    """Returns a value as text; for a mean, with the count only if it is not that of the whole group."""
    if isinstance(value, Spread) and value.count == size:
        return show(value).rpartition(" ")[0]
    return show(value)


def _total(widths: Iterable[int]) -> int:
    found = list(widths)
    return sum(found) + 2 * (len(found) - 1)

"""Writes a table of results as text that fits the terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from hsm_core.results.formats.export import show
from hsm_core.results.table import Spread, Table

from .text import clean, paint, shorten

#: A column of text, or a heading, that is cut keeps at least this many characters.
_NARROWEST = 6
_STAR = "  ★"


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


def table_text(
    table: Table, *, width: int = 80, colour: bool = False, starred: Collection[int] = ()
) -> Iterator[str]:
    """Yields lines: numbers right-aligned and whole, text left-aligned and cut if need be; names columns left out.

    Args:
        starred: lines that end with a star.
    """
    columns = [_column(table, name) for name in table.columns]
    room = width - len(_STAR) if starred else width
    ends = accumulate(column.least + 2 for column in columns)
    shown = columns[: max(1, sum(end - 2 <= room for end in ends))]
    narrow(shown, room)
    yield paint("  ".join(column.show(column.name) for column in shown).rstrip(), "dim", colour)
    for row in range(len(table.lines)):
        line = "  ".join(column.show(column.cells[row]) for column in shown).rstrip()
        yield f"{line}{_STAR}" if row in starred else line
    if len(shown) < len(columns):
        hidden = ", ".join(column.name for column in columns[len(shown) :])
        yield shorten(f"columns without room: {hidden}", width - 24) + "    (--columns, COLUMNS)"


def narrow(columns: Sequence[_Column], width: int) -> None:
    """Takes width from the widest columns until all fit, or until none can give more."""
    low, high = 0, max((column.width for column in columns), default=0)
    if _total(columns, high) <= width:
        return
    while low < high:  # the most that all fit with
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _total(columns, middle) <= width else (low, middle - 1)
    left = max(0, width - _total(columns, low))
    for column in reversed(columns):  # the last ones keep what is left over
        is_cut = _cut(column, low) < column.width
        is_given = left > 0 and is_cut and column.least <= low
        column.width = _cut(column, low) + is_given
        left -= is_given


def _cut(column: _Column, most: int) -> int:
    return max(column.least, min(column.width, most))


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


def _total(columns: Sequence[_Column], most: int) -> int:
    """Returns the width of all, none wider than ``most`` but for what it can't give."""
    return sum(_cut(column, most) for column in columns) + 2 * (len(columns) - 1)

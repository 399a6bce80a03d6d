"""Represents what varies in a sweep: a key with its values, or several keys that vary together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from hsm_core.errors import ConfigError
from hsm_core.overrides import key_of

Row = tuple[str, ...]
Values = tuple[object, ...]


@dataclass(frozen=True)
class Axis:
    """A dimension of the product.

    Args:
        name: what users call it: its key, or the name of a paired group.
        keys: as written in an override, with ``+`` or ``++``; one a column.
        rows: overrides that are applied together, one a key: ``("lr=0.1",)``.
        values: what ``rows`` set, as Python values, in the same shape.
    """

    name: str
    keys: tuple[str, ...]
    rows: Sequence[Row]
    values: Sequence[Values]

    def __len__(self) -> int:
        return len(self.rows)


def single(key: str, texts: Sequence[str], values: Sequence[object]) -> Axis:
    """Returns an axis of one key; ``texts`` are its values in Hydra's grammar."""
    rows = [(f"{key}={text}",) for text in texts]
    return Axis(key_of(key), (key,), rows, [(value,) for value in values])


def counting(key: str, numbers: range) -> Axis:
    """Returns an axis over whole numbers, which takes no memory."""
    return Axis(key_of(key), (key,), CountedRows(key, numbers), CountedValues(numbers))


def together(name: str, members: Sequence[Axis]) -> Axis:
    """Joins axes of equal length into one.

    Raises:
        ConfigError: their lengths differ.
    """
    if len({len(member) for member in members}) > 1:
        lengths = ", ".join(f"{key} has {len(member)}" for member in members for key in member.keys)
        raise ConfigError(
            f"paired group '{name}': its keys need the same number of values",
            evidence=lengths,
            fix="make the lists equally long, or move one to grid",
        )
    keys = tuple(key for member in members for key in member.keys)
    rows = [sum(parts, ()) for parts in zip(*(member.rows for member in members), strict=True)]
    values = [sum(parts, ()) for parts in zip(*(member.values for member in members), strict=True)]
    return Axis(name, keys, rows, values)


def without(axis: Axis, key: str) -> Axis:
    """Returns ``axis`` without one of its keys; rows that become equal are kept once."""
    stay = [column for column, own in enumerate(axis.keys) if key_of(own) != key_of(key)]
    kept: dict[Row, Values] = {}
    for row, values in zip(axis.rows, axis.values, strict=True):
        kept.setdefault(tuple(row[c] for c in stay), tuple(values[c] for c in stay))
    keys = tuple(axis.keys[c] for c in stay)
    return Axis(axis.name if len(keys) > 1 else key_of(keys[0]), keys, list(kept), list(kept.values()))


def rekeyed(axis: Axis, old: str, new: str) -> Axis:
    """Returns ``axis`` with the key ``old`` written as ``new``, such as ``+lr`` for ``lr``."""
    if isinstance(axis.rows, CountedRows):
        return Axis(axis.name, (new,), CountedRows(new, axis.rows.numbers), axis.values)
    column = axis.keys.index(old)
    keys = (*axis.keys[:column], new, *axis.keys[column + 1 :])
    rows = [(*row[:column], new + row[column][len(old) :], *row[column + 1 :]) for row in axis.rows]
    return Axis(axis.name, keys, rows, axis.values)


@dataclass(frozen=True)
class CountedValues(Sequence[Values]):
    """The values of a whole-number axis, made when asked for."""

    numbers: range

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> Values: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Values]: ...
    def __getitem__(self, index: int | slice) -> Values | Sequence[Values]:
        if isinstance(index, slice):
            return CountedValues(self.numbers[index])
        return (self.numbers[index],)


@dataclass(frozen=True)
class CountedRows(Sequence[Row]):
    """The overrides of a whole-number axis, made when asked for."""

    key: str
    numbers: range

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return CountedRows(self.key, self.numbers[index])
        return (f"{self.key}={self.numbers[index]}",)

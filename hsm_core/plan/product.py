"""Provides the tasks of a sweep as a sequence that is worked out only where it is read."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from .axis import Axis, Row


class Tasks(Sequence[Row]):
    """The overrides of chosen members of a product; the last axis varies fastest, as in Hydra's own sweeper.

    Args:
        axes: the dimensions.
        indices: which members of the product, in which order.
    """

    def __init__(self, axes: Sequence[Axis], indices: Sequence[int]) -> None:
        self.axes = tuple(axes)
        self.indices = indices
        self.strides = strides(self.axes)

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, position: int) -> Row: ...
    @overload
    def __getitem__(self, position: slice) -> Tasks: ...
    def __getitem__(self, position: int | slice) -> Row | Tasks:
        if isinstance(position, slice):
            return Tasks(self.axes, self.indices[position])
        return self._row(self.indices[position])

    def __iter__(self) -> Iterator[Row]:
        return map(self._row, self.indices)

    def _row(self, index: int) -> Row:
        row: Row = ()
        for axis, stride in zip(self.axes, self.strides, strict=True):
            row += axis.rows[index // stride % len(axis)]
        return row


def size(axes: Sequence[Axis]) -> int:
    """Returns how many members the product has."""
    total = 1
    for axis in axes:
        total *= len(axis)
    return total


def strides(axes: Sequence[Axis]) -> tuple[int, ...]:
    """Returns by how much a member's index grows with a step along each axis."""
    found: list[int] = []
    stride = 1
    for axis in reversed(axes):
        found.append(stride)
        stride *= len(axis)
    return tuple(reversed(found))


def indices_of(numbers: Iterable[int]) -> Sequence[int]:
    """Stores indices in eight bytes each, whatever made them."""
    return array("Q", numbers)

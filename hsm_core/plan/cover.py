"""Chooses a few tasks of a plan in which everything worth checking occurs at least once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from .axis import Axis, CountedValues
from .plan import Plan
from .product import Tasks, strides

IsGroup = Callable[[str], bool]


def cover(plan: Plan, is_group: IsGroup) -> Tasks:
    """Returns tasks with every choice of every config group, and for other keys one value of each type."""
    wanted = [_worth_checking(axis, is_group) for axis in plan.axes]
    found: list[int] = []
    left = {(axis, row) for axis, rows in enumerate(wanted) for row in rows}
    for index in _candidates(plan, wanted):
        covered = left.intersection(enumerate(_rows(plan, index)))
        if covered or not found:
            found.append(index)
            left -= covered
        if not left:
            break
    return Tasks(plan.axes, found)


def _candidates(plan: Plan, wanted: Sequence[Sequence[int]]) -> Iterator[int]:
    """Yields the members that cover several wants at once, then whatever the plan holds."""
    steps = strides(plan.axes)
    for turn in range(max((len(rows) for rows in wanted), default=1)):
        picks = (rows[turn % len(rows)] * step for rows, step in zip(wanted, steps, strict=True))
        index = sum(picks)
        if _holds(plan.chosen, index):
            yield index
    yield from plan.chosen


def _holds(ascending: Sequence[int], index: int) -> bool:
    place = bisect_left(ascending, index)
    return place < len(ascending) and ascending[place] == index


def _rows(plan: Plan, index: int) -> Iterator[int]:
    for axis, step in zip(plan.axes, plan.tasks.strides, strict=True):
        yield index // step % len(axis)


def _worth_checking(axis: Axis, is_group: IsGroup) -> list[int]:
    if isinstance(axis.values, CountedValues):
        return [0]
    groups = [is_group(key) for key in axis.keys]
    first: dict[tuple[str, ...], int] = {}
    for number, values in enumerate(axis.values):
        first.setdefault(tuple(map(_kind, values, groups)), number)
    return list(first.values())


def _kind(value: object, of_group: bool) -> str:
    return repr(value) if of_group else type(value).__name__

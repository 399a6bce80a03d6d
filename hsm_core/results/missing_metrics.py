"""Finds metrics that a sweep declares and that its results lack: mostly a misspelled name."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from hsm_core.store.state.sweep_state import SweepState

from .rows import Row, rows

#: A mistake in a name shows in any result; a large sweep has too many to read them all.
_FIRST = 20
HOW_TO_RETURN = "return a number, or a dict with numbers, from the task function, or write metrics.json"


def missing_at_first(state: SweepState, numbers: range | None = None) -> list[str]:
    """Returns the lines of ``missing_metrics`` for a sweep's first results.

    Args:
        numbers: the tasks to consider; None means all.
    """
    declared = [name for name, _ in state.record.metric]
    if not declared:
        return []
    among = range(state.total) if numbers is None else numbers
    first = list(islice((number for number in among if state.state_of(number) == "completed"), _FIRST + 1))
    where = f"the first {_FIRST} results" if first[_FIRST:] else "the results"
    return missing_metrics(declared, rows(state, among=first[:_FIRST]), where)


def missing_metrics(declared: Iterable[str], found: Iterable[Row], where: str = "the results") -> list[str]:
    """Returns a line for each declared metric that is missing, or one if there is no metric at all.

    Nothing before a task has completed.

    Args:
        found: read only until all metrics have been found.
        where: what these results are called.
    """
    missing, there, completed = list(declared), dict[str, None](), False
    for row in found if missing else ():
        missing = [name for name in missing if name not in row.metrics]
        if not missing:
            return []
        there |= dict.fromkeys(row.metrics)
        completed = completed or row.state == "completed"
    if not completed:
        return []
    if not there:
        names = ", ".join(f"'{name}'" for name in missing)
        return [f"the sweep declares {names}, but none of {where} has a metric: {HOW_TO_RETURN}"]
    return [f"none of {where} has the metric '{name}'; there is: {', '.join(there)}" for name in missing]

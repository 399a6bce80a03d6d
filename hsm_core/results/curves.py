"""The learning curves of tasks: what each wrote down step by step."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hsm_core.store.state.sweep_state import SweepState

from .collectors import collectors
from .rows import own_directories

#: Names of what is counted along a curve, the first that a line has; else its lines are counted.
STEPS = ("step", "global_step", "iteration", "epoch")
#: Steps of one task at most.
_MOST_STEPS = 500_000


@dataclass(frozen=True)
class Point:
    """A value of a metric at a step of a task."""

    task: int
    step: float
    metric: str
    value: float


def curves(
    state: SweepState, metrics: Collection[str] = (), among: Iterable[int] | None = None
) -> Iterator[Point]:
    """Yields the points of all curves, task by task, by ascending steps; a task is read when it is reached.

    A step that was written twice, as by an attempt that went on from a checkpoint, counts as it was written last.

    Args:
        metrics: only these; none: all.
        among: only these tasks.
    """
    for number, directory in own_directories(state, among):
        for metric, points in _of(directory, frozenset(metrics)).items():
            for step in sorted(points):
                yield Point(number, step, metric, points[step])


def _of(directory: Path, wanted: Collection[str]) -> dict[str, dict[float, float]]:
    """Returns the curves of a task: values by step, by metric; the first file that has a metric wins."""
    found: dict[str, dict[float, float]] = {}
    for source, collector in collectors():
        if source == "metrics.json":
            continue  # it holds what came out in the end
        here: dict[str, dict[float, float]] = {}
        for count, line in enumerate(collector(directory)):
            if count >= _MOST_STEPS:
                break
            step = _step(line, count)
            for name, value in line.items():
                if name not in STEPS and (not wanted or name in wanted) and _is_number(value):
                    here.setdefault(name, {})[step] = _as_float(value)
        for name, points in here.items():
            found.setdefault(name, points)
    return found


def _step(line: Mapping[str, object], count: int) -> float:
    value = next((line[name] for name in STEPS if name in line), count)
    return _as_float(value) if _is_number(value) else count


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _as_float(value: object) -> float:
    assert isinstance(value, (int, float))
    try:
        return float(value)
    except OverflowError:  # an integer of more than 308 digits
        return float("inf") if value > 0 else float("-inf")

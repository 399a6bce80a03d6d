"""Finds the tasks of several objectives that no other task beats in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hsm_core.errors import ConfigError

from .metrics import Mode, merit
from .rows import Row
from .table import known_metric

Objective = tuple[str, Mode]


def objectives(text: str, rows: Sequence[Row], declared: Mapping[str, str]) -> list[Objective]:
    """Returns the metrics that are to be small or large together.

    Args:
        text: ``val_loss,accuracy:max``; without a word behind the colon as the sweep declares it, else ``min``.
        declared: the modes that the sweep declares, by metric.

    Raises:
        ConfigError: there are fewer than two, or one is no metric, or the word is neither ``min`` nor ``max``.
    """
    found: list[Objective] = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        name, _, mode = word.partition(":")
        if mode not in ("", "min", "max"):
            raise ConfigError(f"'{mode}' is neither min nor max", instead=(word, f"{name}:max"))
        metric = known_metric(rows, name)
        way = mode or declared.get(metric, "min")
        found.append((metric, "max" if way == "max" else "min"))
    if len(found) < 2:
        raise ConfigError("a Pareto front needs two metrics", fix="--pareto val_loss,latency")
    return found


def pareto(rows: Sequence[Row], wanted: Sequence[Objective]) -> list[Row]:
    """Returns the rows that are not dominated, the best in the first objective first.

    A row dominates another if it is as good in all objectives, and better in one. A row without a finite number
    for each of them is never on the front.
    """
    points = [(row, tuple(merit(row.metrics.get(name), mode) for name, mode in wanted)) for row in rows]
    whole = [(row, tuple(value for _, value in point)) for row, point in points if not any(bad for bad, _ in point)]
    whole.sort(key=lambda pair: pair[1])  # whoever dominates a row stands before it
    front: list[tuple[Row, tuple[float, ...]]] = []
    for row, point in whole:
        if not any(_dominates(other, point) for _, other in front):
            front.append((row, point))
    return [row for row, _ in front]


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))

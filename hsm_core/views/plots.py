"""Draws metrics by parameter, and learning curves, with characters: for a terminal without a browser."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from hsm_core.errors import HsmError
from hsm_core.overrides import pip_line
from hsm_core.results.curves import Point
from hsm_core.results.formats.export import show
from hsm_core.results.metrics import is_finite_float
from hsm_core.results.parameters import varying
from hsm_core.results.rows import Row

from .text import clean, shorten

#: Lines of a plot; characters of a value's name.
_HEIGHT, _NAME = 14, 24
#: Values of a parameter from this ratio on are drawn by their logarithms.
_LOG_FROM = 50.0


def by_parameter(rows: Sequence[Row], metric: str, *, width: int, colour: bool) -> list[str]:
    """Returns the lines of a plot for each parameter that varies: points over numbers, means over words.

    Raises:
        HsmError: plotext is not installed.
    """
    found = [row for row in rows if is_finite_float(row.metrics.get(metric))]
    lines: list[str] = []
    for name in varying(row.parameters for row in found):
        pairs = [(row.parameters[name], _number(row.metrics[metric])) for row in found if name in row.parameters]
        title = f"{metric} by {name}"
        if all(is_finite_float(value) and not isinstance(value, bool) for value, _ in pairs):
            numbers = [(_number(value), result) for value, result in pairs]
            lines += _points(title, {"": numbers}, width=width, colour=colour, lines=False)
        else:
            lines += _means(title, [(show(value), result) for value, result in pairs], width)
        lines.append("")
    return lines[:-1]


def learning_curves(points: Iterable[Point], metric: str, *, width: int, colour: bool) -> list[str]:
    """Returns the lines of a plot of curves, one a task.

    Raises:
        HsmError: plotext is not installed.
    """
    curves: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        if math.isfinite(point.value):
            curves.setdefault(f"task {point.task}", []).append((point.step, point.value))
    return _points(f"{metric} by step", curves, width=width, colour=colour, lines=True) if curves else []


def _points(
    title: str, groups: Mapping[str, Sequence[tuple[float, float]]], *, width: int, colour: bool, lines: bool
) -> list[str]:
    try:
        import plotext
    except ImportError as error:
        raise HsmError("plots need plotext", evidence=str(error), fix=pip_line("install", "plotext")) from error
    figure = plotext.figure
    figure.clear()
    figure.plot_size(max(30, min(width, 100)), _HEIGHT)
    figure.title(clean(title))
    places = [x for points in groups.values() for x, _ in points]
    for name, points in groups.items():
        signal = figure.signal([x for x, _ in points], [y for _, y in points])
        if name:
            signal.label(clean(name))
        signal.lines(lines)
        figure.draw(signal)
    if not lines and min(places) > 0 and max(places) / min(places) >= _LOG_FROM:
        figure.ruler("x").scale("log")
    text: str = figure.build().string()
    return (text if colour else plotext.uncolorize(text)).rstrip("\n").split("\n")


def _means(title: str, pairs: Sequence[tuple[str, float]], width: int) -> list[str]:
    """Returns a line for each value: its mean as a bar that begins at the smallest one, and how many tasks."""
    groups: dict[str, list[float]] = {}
    for name, result in pairs:
        groups.setdefault(shorten(clean(name), _NAME), []).append(result)
    means = {name: math.fsum(results) / len(results) for name, results in groups.items()}
    low, high = min(means.values()), max(means.values())
    names, room = max(map(len, means)), max(10, min(width, 100) - _NAME - 24)
    lines = [clean(title)]
    for name, mean in sorted(means.items(), key=lambda item: item[1]):
        bar = "▇" * (1 + round((room - 1) * (mean - low) / (high - low or 1)))
        lines.append(f"  {name.ljust(names)}  {show(mean):>9}  {bar}  ({len(groups[name])})")
    return lines


def _number(value: object) -> float:
    assert isinstance(value, (int, float))
    return float(value)

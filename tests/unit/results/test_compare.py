"""Two sweeps side by side, and fronts of several objectives."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_core.errors import ConfigError
from hsm_core.results.compare import compare
from hsm_core.results.pareto import objectives, pareto
from hsm_core.results.rows import Row


def row(task: int, metrics: dict[str, object], sweep: str = "a", **parameters: object) -> Row:
    return Row(sweep, task, 1, "completed", parameters, metrics)


def test_tasks_with_the_same_parameters_are_compared() -> None:
    one = [row(0, {"loss": 1.0}, lr=0.1, seed=1, width=8), row(1, {"loss": 3.0}, lr=0.2, seed=1, width=8)]
    other = [
        row(0, {"loss": 0.5}, "b", lr=0.2, seed=1, width=16), row(1, {"loss": 0.5}, "b", lr=0.1, seed=1, width=16),
        row(2, {"loss": 9.0}, "b", lr=0.3, seed=1, width=16), row(3, {"loss": math.nan}, "b", lr=0.4, width=16),
    ]  # fmt: skip
    found = compare(one, other, "loss", over=["seed"])
    assert found.table.columns == ("lr", "a", "b", "difference", "n")
    lines = [tuple(line.values()) for line in found.table.lines]
    assert lines == [(0.1, 1.0, 0.5, -0.5, 1), (0.2, 3.0, 0.5, -2.5, 1)]
    assert (found.difference.mean, found.difference.count) == (-1.5, 2)
    assert found.unpaired == (0, 1)
    assert found.fixed == {"width": (8, 16)}


def test_the_mean_is_taken_over_what_is_named() -> None:
    one = [row(seed, {"loss": float(seed)}, lr=1, seed=seed) for seed in (1, 3)]
    other = [row(seed, {"loss": 1.0}, "b", lr=1, seed=seed) for seed in (1, 2, 4)]
    line = compare(one, other, "loss", over=["seed"]).table.lines[0]
    assert (line["a"], line["b"], line["n"]) == (2.0, 1.0, "2, 3")
    with pytest.raises(ConfigError, match="no task of one sweep has the parameters"):
        compare(one[1:], other[1:], "loss", over=[])


def test_objectives_are_as_typed_or_declared() -> None:
    rows = [row(0, {"loss": 1.0, "acc": 0.5})]
    assert objectives("loss, acc", rows, {"acc": "max"}) == [("loss", "min"), ("acc", "max")]
    assert objectives("loss:max,acc:min", rows, {"acc": "max"}) == [("loss", "max"), ("acc", "min")]
    wrong = {"loss": "two metrics", "loss,acc:big": "neither min nor max", "loss,ac": "no metric 'ac'"}
    for text, problem in wrong.items():
        with pytest.raises(ConfigError, match=problem):
            objectives(text, rows, {})


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12))
def test_a_front_is_what_nothing_dominates(points: list[tuple[int, int]]) -> None:
    rows = [row(number, {"x": x, "y": y}) for number, (x, y) in enumerate(points)]

    def is_beaten(x: int, y: int) -> bool:
        return any(a <= x and b >= y and (a, b) != (x, y) for a, b in points)

    front = pareto(rows, [("x", "min"), ("y", "max")])
    assert sorted(one.task for one in front) == [n for n, point in enumerate(points) if not is_beaten(*point)]

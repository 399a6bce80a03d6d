"""What people see of results: short names, what differs, plots."""

from __future__ import annotations

import sys

import pytest

from hsm_core.errors import HsmError
from hsm_core.results.curves import Point
from hsm_core.results.rows import Row
from hsm_core.results.table import Table, group, known_metric, tabulate, where
from hsm_core.views.plots import by_parameter, learning_curves
from hsm_core.views.result_table import table_text
from hsm_core.views.shown_results import hoisted, shortened

ROWS = [
    Row(
        "s", number, 1, "completed", {"optimizer.lr": lr, "model.lr": 1, "model.name": name},
        {"val.loss": lr / 2, "n": 3},
    )
    for number, (lr, name) in enumerate([(0.001, "a"), (0.1, "a"), (0.1, "b\x1b[31m")])
]


def test_what_all_have_in_common_goes_out_and_names_get_short() -> None:
    table, same = hoisted(tabulate(ROWS), keep=("val.loss",))
    assert same == {"state": "completed", "metric.n": 3}
    assert shortened(table).columns == ("task", "optimizer.lr", "name", "loss")  # model.lr is known, too
    assert hoisted(tabulate(ROWS[:1]))[1] == {}


def test_metrics_stay_where_none_of_them_differs() -> None:
    rows = [Row("s", number, 1, "completed", {}, {"loss": 0.5}) for number in (0, 1)]
    table, same = hoisted(tabulate(rows))
    assert (table.columns, same) == (("task", "loss"), {"state": "completed"})


def test_a_short_name_can_be_typed() -> None:
    assert known_metric(ROWS, "loss") == "val.loss"
    assert len(where(ROWS, lambda cells: cells["name"] == "a")) == 2
    assert group(ROWS, ["name"]).columns[0] == "model.name"


def test_the_best_line_has_a_star() -> None:
    table = Table(("task", "x"), ({"task": 0, "x": "a text that is cut"}, {"task": 1, "x": "b"}))
    lines = list(table_text(table, starred=[0], width=18))
    assert lines[1].endswith("  ★")
    assert max(map(len, lines)) <= 18
    assert "★" not in lines[2]


def test_plots_over_numbers_and_means_over_words() -> None:
    lines = by_parameter(ROWS, "val.loss", width=60, colour=False)
    text = "\n".join(lines)
    assert "val.loss by optimizer.lr" in text
    assert "0.0010" in text  # a logarithmic axis
    assert any(line.split()[:1] == ["a"] and line.endswith("(2)") for line in lines)
    assert "\x1b" not in text
    assert max(map(len, lines)) <= 60


def test_curves_of_tasks() -> None:
    points = [Point(task, step, "loss", 1 / (step + task)) for task in (1, 2) for step in range(1, 5)]
    lines = learning_curves([*points, Point(1, 9, "loss", float("nan"))], "loss", width=60, colour=False)
    assert "task 2" in "\n".join(lines)
    assert learning_curves([], "loss", width=60, colour=False) == []


def test_without_plotext_its_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotext", None)
    with pytest.raises(HsmError, match="install plotext"):
        by_parameter(ROWS, "val.loss", width=60, colour=False)

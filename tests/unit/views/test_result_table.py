"""Tables of results on a narrow terminal."""

from __future__ import annotations

from hsm_core.results.table import Spread, Table
from hsm_core.views.result_table import table_text


def test_numbers_are_never_cut_and_text_is() -> None:
    table = Table(("model", "validation_loss"), ({"model": "resnet" * 20, "validation_loss": 0.123456},))
    head, line = table_text(table, width=40)
    assert len(line) <= 40
    assert line.endswith("  0.123456")
    assert "…" in line
    assert head.split() == ["model", "validation_loss"]


def test_a_long_text_among_numbers_leaves_room_for_them() -> None:
    table = Table(("lr", "result"), ({"lr": 0.1, "result": 0.123456}, {"lr": 0.2, "result": "x" * 500}))
    _, number, text = table_text(table, width=40)
    assert number.endswith("  0.123456")
    assert len(text) <= 40
    assert "…" in text


def test_columns_without_room_are_named() -> None:
    names = tuple(f"metric_{number}" for number in range(20))
    *lines, last = table_text(Table(names, (dict.fromkeys(names, 1.234567),)), width=80)
    assert all(len(line) <= 80 for line in [*lines, last])
    assert "metric_19" in last


def test_a_groups_count_is_shown_where_it_is_not_all() -> None:
    table = Table(
        ("n", "loss"), ({"n": 3, "loss": Spread(0.5, 0.1, 3)}, {"n": 3, "loss": Spread(0.5, 0.1, 2)})
    )
    _, whole, part = table_text(table)
    assert whole.split("  ", 1)[1].strip() == "0.5 ± 0.1"
    assert part.split("  ", 1)[1].strip() == "0.5 ± 0.1 (2)"


def test_a_value_cannot_paint_the_terminal() -> None:
    assert "\x1b" not in "".join(table_text(Table(("a",), ({"a": "\x1b[2J"},))))


def test_a_state_is_never_cut() -> None:
    line = {"state": "cancelled", "model": "x" * 90}
    assert "cancelled" in list(table_text(Table(("state", "model"), (line,)), width=40))[1]

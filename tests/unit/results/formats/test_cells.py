"""Text from a sweep is no formula in a spreadsheet and no mark-up in a page; numbers stay numbers."""

from __future__ import annotations

import csv
import io

import pytest

from hsm_core.results.formats.cells import harmless, markdown
from hsm_core.results.formats.export import to_csv, to_markdown
from hsm_core.results.table import Table

FORMULAS = ["=1+1", "=cmd|' /C calc'!A0", "+SUM(A1)", "-2+3", "@x", "\t=1", "\r=1", "\n=1", "＝1", "-", "+_1x"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("value", [-1, -1e-3, True, None, "-5", "+1e-3", "-inf", "-.5", "a=1", "", "1-2", "'=x"])
def test_numbers_and_other_text_stay(value: object) -> None:
    assert harmless(value) == value


def table(*lines: dict[str, object]) -> Table:
    return Table(tuple(dict.fromkeys(name for line in lines for name in line)), lines)


def test_no_cell_and_no_head_of_csv_is_a_formula_unless_asked_for() -> None:
    found = table({"=evil": "=1+1", "x": -0.5}, {"=evil": "ok", "x": -2})
    assert [*csv.reader(io.StringIO(to_csv(found)))] == [["'=evil", "x"], ["'=1+1", "-0.5"], ["ok", "-2"]]
    assert to_csv(found, raw=True).splitlines() == ["=evil,x", "=1+1,-0.5", "ok,-2"]


def test_markdown_shows_text_as_it_is() -> None:
    assert markdown("<img src=x> [a](http://b) `c` *d* _e_ | & \\") == (
        "&lt;img src=x&gt; \\[a\\](http://b) \\`c\\` \\*d\\* \\_e\\_ \\| &amp; \\\\"
    )
    assert markdown("val_loss a\nb \x1b[2J") == "val_loss a b \\\\x1b\\[2J"
    assert to_markdown(table({"a|b": -0.5})).splitlines() == ["| a\\|b |", "|---|", "| -0.5 |"]

"""Workbooks, as openpyxl reads them again."""

from __future__ import annotations

import math
from pathlib import Path

from openpyxl import load_workbook

from hsm_core.results.formats.output import write_table
from hsm_core.results.table import Table


def test_a_workbook_has_numbers_as_numbers_and_no_formula(tmp_path: Path) -> None:
    line = {"name": "=1+1", "loss": 0.5, "big": 10**20, "ok": True, "bad": math.nan, "none": None, "odd": "a\x1bb"}
    write_table(Table(tuple(line), (line,)), tmp_path / "r.xlsx", "xlsx")
    head, first = load_workbook(tmp_path / "r.xlsx").active.iter_rows()
    assert [cell.value for cell in head] == list(line)
    assert [cell.value for cell in first] == ["=1+1", 0.5, str(10**20), True, "NaN", None, "a\ufffdb"]
    assert [cell.data_type for cell in first] == ["s", "n", "s", "b", "s", "n", "s"]

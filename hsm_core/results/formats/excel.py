"""Writes a table of results as a workbook, in which nothing is a formula."""

from __future__ import annotations

import io
import math
import re

from hsm_core.errors import HsmError
from hsm_core.overrides import pip_line

from ..table import Table
from .column_types import as_text
from .export import spelled_out

#: Control characters, which XML 1.0 does not have; characters of a cell at most.
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_MOST_TEXT = 32_767
#: Whole numbers beyond which a workbook would round.
_MOST_WHOLE = 10**15


def to_excel(table: Table) -> bytes:
    """Returns the bytes of an ``.xlsx`` file: numbers are numbers, all else is text; NaN and infinity are text.

    Raises:
        HsmError: openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
    except ImportError as error:
        fix = pip_line("install", "openpyxl")
        raise HsmError(".xlsx needs openpyxl", evidence=str(error), fix=fix) from error
    wide = spelled_out(table)
    book = Workbook(write_only=True)
    sheet = book.create_sheet("results")
    sheet.freeze_panes = "A2"

    def cell(value: object) -> object:
        if value is None or isinstance(value, bool) or _is_exact(value):
            return value
        found = WriteOnlyCell(sheet, _NOT_IN_XML.sub("\ufffd", as_text(value))[:_MOST_TEXT])
        found.data_type = "s"  # else "=1+1" would be computed
        return found

    sheet.append(list(map(cell, wide.columns)))
    for line in wide.lines:
        sheet.append([cell(line.get(name)) for name in wide.columns])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _is_exact(value: object) -> bool:
    if isinstance(value, int):
        return abs(value) <= _MOST_WHOLE
    return isinstance(value, float) and math.isfinite(value)

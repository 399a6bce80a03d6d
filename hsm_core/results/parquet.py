"""Writes a table of results as a Parquet file, each column with the type of its values."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

from hsm_core.errors import HsmError
from hsm_core.overrides import pip_line

from .export import plain, spelled_out
from .table import Table


def to_parquet(table: Table) -> bytes:
    """Returns the bytes of the file; a field's metadata hold its ``kind``, the schema's name the ``sweeps``.

    Whole numbers are int64, numbers float64, lists of numbers lists of them. What differs in kind from
    row to row, or has no type there, is text.

    Raises:
        HsmError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise HsmError(
            "Parquet needs pyarrow", evidence=str(error), fix=pip_line("install", "pyarrow"),
        ) from error
    wide = spelled_out(table)
    types = {"bool": pyarrow.bool_(), "int": pyarrow.int64(), "float": pyarrow.float64(), "str": pyarrow.string()}
    types |= {f"{name}s": pyarrow.list_(types[name]) for name in ("int", "float")}
    fields, arrays = [], []
    for name in wide.columns:
        values = [line.get(name) for line in wide.lines]
        kind = kind_of(values)
        fields.append(pyarrow.field(_text(name), types[kind], metadata={"kind": wide.kind_of(name)}))
        arrays.append(pyarrow.array([_as(kind, value) for value in values], types[kind]))
    schema = pyarrow.schema(fields, metadata={"hsm.sweeps": json.dumps(list(table.sweeps))})
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(arrays, schema=schema), stream)
    return stream.getvalue()


def kind_of(values: Sequence[object]) -> str:
    """Returns the type of all values: ``bool``, ``int``, ``float``, ``str``, or ``ints`` and ``floats`` for lists.

    A column without any value is of numbers: it is a metric that no task has returned yet.
    """
    found = [value for value in values if value is not None]
    lists = [value for value in found if isinstance(value, list)]
    if found and len(lists) == len(found):
        inner = kind_of([item for value in lists for item in value])
        return f"{inner}s" if inner in ("int", "float") else "str"
    kinds = {type(value) for value in found}
    if kinds == {bool}:
        return "bool"
    if not kinds <= {int, float} or any(type(value) is int and not _fits(value) for value in found):
        return "str"
    return "int" if kinds == {int} else "float"


def _fits(number: int) -> bool:
    return -(2**63) <= number < 2**63


def _as(kind: str, value: object) -> object:
    if value is None:
        return None
    if kind == "float":
        return float(value) if isinstance(value, int) else value
    if kind == "floats" and isinstance(value, list):
        return [float(item) if isinstance(item, int) else item for item in value]
    return _text(value) if kind == "str" else value


def _text(value: object) -> str:
    """Returns text as it is, anything else as JSON; bytes that are no UTF-8 become visible."""
    held = plain(value)
    text = held if isinstance(held, str) else json.dumps(held)
    return text.encode("utf-8", "backslashreplace").decode()

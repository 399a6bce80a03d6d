"""Writes a table of results as a Parquet file, each column with the type of its values."""

from __future__ import annotations

import io
import json

from hsm_core.errors import HsmError
from hsm_core.overrides import pip_line

from ..table import Table
from .column_types import as_kind, as_text, kind_of
from .export import spelled_out


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
        fields.append(pyarrow.field(as_text(name), types[kind], metadata={"kind": wide.kind_of(name)}))
        arrays.append(pyarrow.array([as_kind(kind, value) for value in values], types[kind]))
    schema = pyarrow.schema(fields, metadata={"hsm.sweeps": json.dumps(list(table.sweeps))})
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(arrays, schema=schema), stream)
    return stream.getvalue()

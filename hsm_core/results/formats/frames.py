"""Makes data frames of results, with whichever of pandas and polars the user has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hsm_core.errors import HsmError
from hsm_core.overrides import pip_line

from .column_types import as_kind, kind_of

if TYPE_CHECKING:
    import pandas
    import polars

Columns = Mapping[str, Sequence[object]]
#: pandas' types for columns that may lack a value; the plain ones where none is missing.
_NULLABLE = {"bool": "boolean", "int": "Int64", "float": "float64"}
_WHOLE = {"bool": "bool", "int": "int64", "float": "float64"}


def to_pandas(columns: Columns) -> pandas.DataFrame:
    """Returns a pandas ``DataFrame``: whole numbers and truth values stay what they are where one is missing.

    Raises:
        HsmError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise _missing("pandas", error) from error
    found = {}
    for name, values in columns.items():
        kind = kind_of(values)
        types = _NULLABLE if any(value is None for value in values) else _WHOLE
        found[name] = pandas.Series([as_kind(kind, value) for value in values], dtype=types.get(kind))
    return pandas.DataFrame(found)


def to_polars(columns: Columns) -> polars.DataFrame:
    """Returns a polars ``DataFrame``.

    Raises:
        HsmError: polars is not installed.
    """
    try:
        import polars
    except ImportError as error:
        raise _missing("polars", error) from error
    types = {"bool": polars.Boolean(), "int": polars.Int64(), "float": polars.Float64(), "str": polars.String()}
    types |= {f"{name}s": polars.List(types[name]) for name in ("int", "float")}
    return polars.DataFrame([
        polars.Series(name, [as_kind(kind, value) for value in values], dtype=types[kind])
        for name, values in columns.items() for kind in [kind_of(values)]
    ])  # fmt: skip


def _missing(package: str, error: ImportError) -> HsmError:
    return HsmError(f"{package} is not installed here", evidence=str(error), fix=pip_line("install", package))

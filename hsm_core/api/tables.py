"""Results and learning curves as Python sees them: rows to go through, and data frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from hsm_core.results.columns import columns_of
from hsm_core.results.curves import Point
from hsm_core.results.formats.frames import to_pandas, to_polars
from hsm_core.results.rows import Row
from hsm_core.results.table import everything, tabulate

from .html import table_html

if TYPE_CHECKING:
    import pandas
    import polars


class Results(Sequence[Row]):
    """Rows of results: ``row.task``, ``row.state``, ``row.parameters``, ``row.metrics``.

    >>> import hsm_core as hsm
    >>> [row.metrics["loss"] for row in hsm.sweep("latest").results() if row.parameters["seed"] == 1]
    [0.01, 0.3]
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = tuple(rows)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        found = self._rows[index]
        return found if isinstance(found, Row) else Results(found)

    def __len__(self) -> int:
        return len(self._rows)

    def to_pandas(self, *, prefix: bool = False) -> pandas.DataFrame:
        """Returns a ``DataFrame`` with a row a task: sweep, task, state, each parameter, each metric.

        Args:
            prefix: name parameters ``param.lr`` and metrics ``metric.loss``; else only where two would share a name.

        Raises:
            HsmError: pandas is not installed.
        """
        return to_pandas(self._columns(prefix))

    def to_polars(self, *, prefix: bool = False) -> polars.DataFrame:
        """Returns the same as a ``DataFrame`` of polars; see ``to_pandas``."""
        return to_polars(self._columns(prefix))

    def _columns(self, prefix: bool) -> dict[str, list[object]]:
        if not prefix:
            table = everything(self._rows)
            return {name: [line.get(name) for line in table.lines] for name in table.columns}
        named = columns_of(self._rows)
        own: dict[str, list[object]] = {
            "sweep": [row.sweep for row in self._rows], "task": [row.task for row in self._rows],
            "state": [row.state for row in self._rows],
        }  # fmt: skip
        own |= {f"param.{name}": [row.parameters.get(name) for row in self._rows] for name in named.parameters}
        return own | {f"metric.{name}": [row.metrics.get(name) for row in self._rows] for name in named.metrics}

    def __repr__(self) -> str:
        return f"<results of {len(self)} tasks>"

    def _repr_html_(self) -> str:
        return table_html(tabulate(self._rows))


class Curves:
    """Points of learning curves, read as they are asked for: ``point.task``, ``.step``, ``.metric``, ``.value``."""

    def __init__(self, read: Callable[[], Iterator[Point]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[Point]:
        return self._read()

    def to_pandas(self) -> pandas.DataFrame:
        """Returns a ``DataFrame`` with a row a point: task, step, metric, value.

        Raises:
            HsmError: pandas is not installed.
        """
        return to_pandas(self._columns())

    def to_polars(self) -> polars.DataFrame:
        """Returns the same as a ``DataFrame`` of polars; see ``to_pandas``."""
        return to_polars(self._columns())

    def _columns(self) -> dict[str, list[object]]:
        points = list(self)
        return {
            "task": [point.task for point in points], "step": [point.step for point in points],
            "metric": [point.metric for point in points], "value": [point.value for point in points],
        }  # fmt: skip

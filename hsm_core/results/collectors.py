"""Reads the metrics that a task left in its directory: metrics.json, metrics.jsonl, Lightning's metrics.csv.

A collector takes the task's directory and returns rows of metrics in the order of writing, if it
finds any. Others register theirs as entry points of the group ``hsm.collectors``.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from hsm_core.errors import StoreError
from hsm_core.parsing import loads, table
from hsm_core.safe_open import open_output
from hsm_core.store.files import MOST_BYTES
from hsm_core.text import own_logger

from .metrics import flat

log = own_logger(__name__)
Metrics = dict[str, object]
Collector = Callable[[Path], Iterable[Mapping[str, object]]]
#: Bytes of a file of metrics, and of a line of it.
_MOST_BYTES, _MOST_LINE = 2**28, 2**20


def metrics_json(directory: Path) -> list[Metrics]:
    """Returns the row of ``metrics.json``: one mapping, nested or flat."""
    try:
        with open_output(directory / "metrics.json", most=MOST_BYTES) as stream:
            return [flat(table(loads(stream.read(), MOST_BYTES // 8)))]
    except (OSError, StoreError, ValueError):
        return []


def metrics_jsonl(directory: Path) -> Iterator[Metrics]:
    """Yields the rows of ``metrics.jsonl``: one mapping a line; skips other lines, and those of more than 1 MiB."""
    with suppress(OSError, StoreError), open_output(directory / "metrics.jsonl", most=_MOST_BYTES) as stream:
        while line := stream.readline(_MOST_LINE):
            if row := _line(line):
                yield row


def lightning_csv(directory: Path) -> Iterator[Metrics]:
    """Yields the rows of Lightning's ``metrics.csv``, here or in the newest ``*/version_*``, without empty cells.

    A row with a cell of more than 128 KiB ends it.
    """
    places = [directory / "metrics.csv", *directory.glob("*/version_*/metrics.csv")]
    found = [path for path in places if path.is_file()]
    if not found:
        return
    newest = max(found, key=lambda path: path.stat().st_mtime)
    with suppress(OSError, StoreError, csv.Error), open_output(newest, most=_MOST_BYTES) as stream:
        for row in csv.DictReader(_csv_lines(stream)):
            yield _cells(row)


def _csv_lines(stream: BinaryIO) -> Iterator[str]:
    while line := stream.readline(_MOST_LINE):
        yield line.decode("utf-8", "replace")


#: In the order of precedence; the return value stands above them.
BUILT_IN: tuple[tuple[str, Collector], ...] = (
    ("metrics.json", metrics_json), ("metrics.jsonl", metrics_jsonl), ("metrics.csv", lightning_csv),
)  # fmt: skip


@functools.cache
def collectors() -> tuple[tuple[str, Collector], ...]:
    """Returns the built-in collectors, then those of installed packages, by name; one that fails finds nothing."""
    from importlib.metadata import entry_points

    others = sorted(entry_points(group="hsm.collectors"), key=lambda point: point.name)
    return BUILT_IN + tuple((point.name, _forgiven(point.name, point.load)) for point in others)


def _forgiven(name: str, load: Callable[[], Collector]) -> Collector:
    """Wraps a foreign collector: its failure is reported once and costs only its own rows."""
    told: set[str] = set()

    def collect(directory: Path) -> Sequence[Mapping[str, object]]:
        try:
            return [dict(line) for line in load()(directory)]
        except Exception as error:  # noqa: BLE001 it is not our code, and our results are there without it
            said = f"the collector '{name}' failed: {type(error).__name__}: {error}"
            if not told:
                log.warning(said)
            told.add(said)
            return []

    return collect


def _line(line: bytes) -> Metrics:
    try:
        return flat(table(loads(line)))
    except ValueError:
        return {}


def _cells(row: Mapping[str, str | None]) -> Metrics:
    found: Metrics = {}
    for key, text in row.items():
        try:
            number = float(text or "")
            found[key] = int(number) if key in ("step", "epoch") else number
        except (TypeError, ValueError, OverflowError):
            continue
    return found

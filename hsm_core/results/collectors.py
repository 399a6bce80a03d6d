"""Reads the metrics that a task left in its directory: metrics.json, metrics.jsonl, Lightning's metrics.csv.

A collector takes the task's directory and returns rows of metrics in the order of writing, if it
finds any. Others register theirs as entry points of the group ``hsm.collectors``.
"""

from __future__ import annotations

import csv
import functools
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .metrics import flat

log = logging.getLogger(__name__)
Metrics = dict[str, object]
Collector = Callable[[Path], Sequence[Mapping[str, object]]]


def metrics_json(directory: Path) -> list[Metrics]:
    """Returns the row of ``metrics.json``: one mapping, nested or flat."""
    path = directory / "metrics.json"
    if not path.is_file():
        return []
    try:
        return [flat(json.loads(path.read_bytes()))]
    except ValueError:
        return []


def metrics_jsonl(directory: Path) -> list[Metrics]:
    """Returns the rows of ``metrics.jsonl``: one mapping a line; skips other lines."""
    path = directory / "metrics.jsonl"
    lines = path.read_bytes().splitlines() if path.is_file() else []
    return [row for line in lines if (row := _line(line))]


def lightning_csv(directory: Path) -> list[Metrics]:
    """Returns the rows of Lightning's ``metrics.csv``, here or in the newest ``*/version_*``, without empty cells."""
    places = [directory / "metrics.csv", *directory.glob("*/version_*/metrics.csv")]
    found = [path for path in places if path.is_file()]
    if not found:
        return []
    newest = max(found, key=lambda path: path.stat().st_mtime)
    with open(newest, newline="", encoding="utf-8", errors="replace") as stream:
        return [_cells(row) for row in csv.DictReader(stream)]


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
        found = json.loads(line)
    except ValueError:
        return {}
    return flat(found) if isinstance(found, dict) else {}


def _cells(row: Mapping[str, str | None]) -> Metrics:
    found = {}
    for key, text in row.items():
        try:
            found[key] = float(text or "")
        except (TypeError, ValueError):
            continue
    return {key: int(number) if key in ("step", "epoch") else number for key, number in found.items()}

"""Gathers what the page shows of sweeps, as JSON: plain values, columns of equal length, nothing that runs."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from hsm_core.model import State
from hsm_core.overrides import joined_without_secrets
from hsm_core.results.columns import columns_of
from hsm_core.results.curves import curves
from hsm_core.results.metrics import Mode, is_finite
from hsm_core.results.parameters import parameters, varying
from hsm_core.results.rows import Row
from hsm_core.results.table import best_first
from hsm_core.safe_open import log_tail
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.tasks import TaskTable

from ..failures.by_cause import FailureGroup, group_failures
from ..lines_to_copy.rerun import rerun_line
from ..text import clean
from .by_source import by_source
from .importance import importance
from .task_facts import TaskFacts, task_facts

#: Curves of the best tasks; points of each curve; causes of failures; bytes of a log.
_CURVES, _POINTS, _CAUSES, _LOG = 10, 400, 50, 3000
#: Characters of a value in a cell.
_CELL = 300

Content = dict[str, object]
Best = tuple[str, Mode]


def content(states: Sequence[SweepState], rows: Sequence[Row], best: Best | None) -> Content:
    """Returns all that a page shows.

    Args:
        states: of sweeps that were read.
        rows: of all their tasks.
        best: the metric that tells which task is best.
    """
    facts = [one for state in states for one in task_facts(state)]
    first = (
        best_first(rows, *best) if best and any(is_finite(row.metrics.get(best[0])) for row in rows) else []
    )
    ranked = [row for row in first if best and is_finite(row.metrics.get(best[0]))]
    shares = importance(rows, best[0], smaller_is_better=best[1] == "min") if best and ranked else None
    return {
        "made": f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M:%S %Z}",
        "sweeps": [_header(state) for state in states],
        "failures": [one for state in states for one in failures(state)],
        "metric": best[0] if best else None,
        "mode": best[1] if best else None,
        "best": _best(states, ranked[0], best[0]) if best and ranked else None,
        "importance": asdict(shares) if shares else None,
        "curves": _curves(states, ranked[:_CURVES], best[0]) if best else [],
        "sources": by_source(facts),
        "columns": table_columns(rows, facts),
    }


def failures(state: SweepState) -> list[Content]:
    """Returns the causes of a sweep's failures, each with an example and the end of its log."""
    return [_failure(state, group) for group in group_failures(state)[:_CAUSES]]


def running(state: SweepState, most: int = 20) -> list[Content]:
    """Returns what runs now: where, with which parameters, and the last line that it printed.

    Args:
        most: tasks at most.
    """
    found, table = [], TaskTable(state.paths)
    for number in state.numbers_in("running")[:most]:
        files, writer = state.task_directory(number), state.writers.get(state.tasks[number].worker)
        source = writer.as_worker.source if writer and writer.as_worker else ""
        overrides = ", ".join(f"{key}={value}" for key, value in parameters(table[number].overrides).items())
        lines = log_tail(files.stdout, limit=500).strip().splitlines() if files else []
        last = clean(lines[-1]) if lines else ""
        found.append(
            {
                "task": number,
                "node": state.node_of(number),
                "source": source,
                "parameters": overrides,
                "last": last,
            }
        )
    return found


def _header(state: SweepState) -> Content:
    record, counts = state.record, state.counts()
    return {
        "id": record.id,
        "name": record.name,
        "description": record.description,
        "tags": list(record.tags),
        "command": joined_without_secrets(record.command),
        "directory": str(state.paths.root),
        "git": {key: value for key, value in record.git.items() if isinstance(value, str | bool)},
        "user": record.user,
        "host": record.host,
        "created": record.created,
        "versions": record.versions,
        "launcher": record.launcher,
        "total": state.total,
        "counts": nonzero(counts),
    }


def nonzero(counts: Counter[State]) -> dict[str, int]:
    """Returns the states that tasks are in, with how many are."""
    return {name: count for name, count in counts.items() if count}


def _failure(state: SweepState, group: FailureGroup) -> Content:
    may = group.log is not None and state.may_read(group.log)
    return {
        "sweep": state.record.id,
        "state": group.state,
        "reason": group.reason,
        "cause": group.cause,
        "message": group.message,
        "where": group.where,
        "count": group.count,
        "example": group.example,
        "next": group.suggestion,
        "nodes": [list(node) for node in group.nodes],
        "log": clean_lines(log_tail(group.log, limit=_LOG)) if group.log is not None and may else "",
    }


def clean_lines(text: str) -> str:
    """Returns text of a log whose control characters are written out."""
    return "\n".join(clean(line) for line in text.splitlines())


def _best(states: Sequence[SweepState], row: Row, metric: str) -> Content:
    state = next(state for state in states if state.record.id == row.sweep)
    return {
        "sweep": row.sweep,
        "task": row.task,
        "value": plain(row.metrics[metric]),
        "parameters": [[key, plain(value)] for key, value in row.parameters.items()],
        "line": rerun_line(state.record, TaskTable(state.paths)[row.task]),
    }


def _curves(states: Sequence[SweepState], rows: Sequence[Row], metric: str) -> list[Content]:
    found: dict[tuple[str, int], list[list[float]]] = {}
    for state in states:
        among = [row.task for row in rows if row.sweep == state.record.id]
        for point in curves(state, [metric], among) if among else ():
            if math.isfinite(point.value) and math.isfinite(point.step):
                found.setdefault((state.record.id, point.task), []).append([point.step, point.value])
    best = {(row.sweep, row.task): place for place, row in enumerate(rows)}
    ordered = sorted(found, key=lambda key: best[key])
    return [{"sweep": sweep, "task": task, "points": _thinned(found[sweep, task])} for sweep, task in ordered]


def _thinned(points: list[list[float]]) -> list[list[float]]:
    """Returns not more points than a curve can show, with the last one."""
    if len(points) <= _POINTS:
        return points
    step = (len(points) - 1) / (_POINTS - 1)
    return [points[round(place * step)] for place in range(_POINTS)]


def table_columns(rows: Sequence[Row], facts: Iterable[TaskFacts]) -> list[Content]:
    """Returns the columns of the table: facts, the parameters that vary, all metrics."""
    known, named = {(one.sweep, one.task): one for one in facts}, columns_of(rows)
    here = [known.get((row.sweep, row.task)) for row in rows]
    swept = varying(row.parameters for row in rows)
    metrics = list({name: None for row in rows for name in row.metrics})
    columns = [
        _column("sweep", "fact", [row.sweep for row in rows]),
        _column("task", "fact", [row.task for row in rows]),
        _column("state", "fact", [row.state for row in rows]),
        *[_column(name, "parameter", [row.parameters.get(name) for row in rows]) for name in swept],
        *[
            _column(named.metrics[name], "metric", [row.metrics.get(name) for row in rows], name)
            for name in metrics
        ],
        _column("reason", "fact", [row.reason for row in rows]),
        _column("seconds", "fact", [one.wall if one else None for one in here]),
        _column("mem_mib", "fact", [one.mem if one else None for one in here]),
        _column("source", "fact", [one.source or None if one else None for one in here]),
        _column("node", "fact", [one.node or None if one else None for one in here]),
        _column("began", "time", [one.begin if one else None for one in here]),
        _column("ended", "time", [one.end if one else None for one in here]),
    ]
    return [column for column in columns if column["kind"] == "time" or _says_anything(column)]


def _says_anything(column: Mapping[str, object]) -> bool:
    values = column["values"]
    assert isinstance(values, list)
    return any(value is not None for value in values) and (column["name"] != "sweep" or len(set(values)) > 1)


def _column(name: str, kind: str, values: Iterable[object], key: str = "") -> Content:
    return {"name": name, "key": key or name, "kind": kind, "values": [plain(value) for value in values]}


def plain(value: object) -> object:
    """Returns a value that JSON and JavaScript hold: text for what is neither number, word nor nothing."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)[:_CELL]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    text = clean(str(value))
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"

"""Adds up for each source what its tasks took, wasted, asked for and used; also as YAML."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .task_facts import TaskFacts

#: States of tasks whose hours came to nothing.
WASTED = ("failed", "lost", "cancelled")


def by_source(facts: Iterable[TaskFacts]) -> list[dict[str, object]]:
    """Returns a mapping a source: hours and wasted ones, what jobs asked for, medians and maxima of what was used."""
    found: dict[str, list[TaskFacts]] = {}
    for one in facts:
        if one.begin is not None:
            found.setdefault(one.source or "unknown", []).append(one)
    return [_summary(name, members) for name, members in sorted(found.items())]


def _summary(name: str, members: Sequence[TaskFacts]) -> dict[str, object]:
    ended = [(one, one.wall) for one in members if one.wall is not None]
    asked = sorted(
        {", ".join(f"{key}={value}" for key, value in sorted((one.asked or {}).items())) for one in members}
    )
    return {
        "source": name,
        "tasks": len(members),
        "hours": sum(wall for _, wall in ended) / 3600,
        "wasted_hours": sum(wall for one, wall in ended if one.state in WASTED) / 3600,
        "asked": [text for text in asked if text][:5],
        "wall_median_s": _median([wall for _, wall in ended]),
        "wall_max_s": max((wall for _, wall in ended), default=None),
        "mem_median_mib": _median([one.mem for one in members if one.mem is not None]),
        "mem_max_mib": max((one.mem for one in members if one.mem is not None), default=None),
        "cores_used": _cores(members),
    }


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _cores(members: Iterable[TaskFacts]) -> float | None:
    """Returns how many cores tasks kept busy on average."""
    known = [(one.cpu, one.wall) for one in members if one.cpu is not None and one.wall]
    walls = sum(wall for _, wall in known)
    return sum(cpu for cpu, _ in known) / walls if walls else None


def performance_yaml(sweep: str, counts: Mapping[str, int], sources: Sequence[Mapping[str, object]]) -> str:
    """Returns a YAML document; its scalars are JSON, which YAML reads alike."""
    return "\n".join(_lines({"sweep": sweep, "tasks": counts, "sources": sources}, "")) + "\n"


def _lines(value: Mapping[str, object], indent: str) -> Iterator[str]:
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            yield f"{indent}{json.dumps(key)}:"
            yield from _lines(item, f"{indent}  ")
        elif isinstance(item, list) and item and all(isinstance(one, Mapping) for one in item):
            yield f"{indent}{json.dumps(key)}:"
            for one in item:
                yield f"{indent}  -"
                yield from _lines(one, f"{indent}    ")
        else:
            yield f"{indent}{json.dumps(key)}: {json.dumps(item)}"

"""Writes what each source's tasks took and used as YAML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence


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

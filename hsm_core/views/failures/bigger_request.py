"""Suggests overrides that ask for more memory or time, for a task that had too little."""

from __future__ import annotations

import math
import re

from hsm_core.overrides import quoted
from hsm_core.store.events import End, Fields
from hsm_core.store.record import SweepRecord


def more_memory(record: SweepRecord, end: End, asked: Fields) -> str:
    """Returns an override for twice the memory asked for, or half more than was used, in the sweep's own field.

    On this machine fewer tasks at once; empty where they already are one at a time.

    Args:
        end: the task's.
        asked: what its job had asked for.
    """
    if record.launcher == "hsm_local":
        return "" if set_to(record, "slots") == "1" else "hydra.launcher.slots=1"
    for name in ("mem_per_cpu", "mem_per_gpu"):
        match = re.fullmatch(r"['\"]?(\d+(?:\.\d+)?)(\w*)['\"]?", set_to(record, name))
        if match:
            return f"hydra.launcher.{name}={2 * float(match[1]):g}{match[2]}"
    if text := _own_words(record, r"mem"):
        return f"{text}    # edit it to ask for more memory"
    return f"hydra.launcher.mem_gb={math.ceil(max(2 * _number(asked, 'mem_gb'), 1.5 * (end.mem or 0) / 1024, 2))}"


def more_time(record: SweepRecord, end: End, asked: Fields) -> str:
    """Returns overrides for twice the time limit that was exceeded, or the task's own time if that is unknown.

    A task's own limit is in its end, as ``limit`` in seconds; a job that would not outlast the new one gets more too.
    """
    if record.launcher != "hsm_local" and end.limit is None:
        return more_job_time(record, end.wall, asked)
    minutes = _twice(end.limit or end.wall)
    more = f"hydra.launcher.task_timeout_min={minutes}"
    if not 0 < _job_minutes(asked) <= minutes:
        return more
    return f"{more} --set {more_job_time(record, end.wall, asked)}"


def more_job_time(record: SweepRecord, wall: float | None, asked: Fields) -> str:
    """Returns an override for twice the time a job asked for, or took if that is unknown (``wall``, in seconds)."""
    if text := _own_words(record, r"time|-t\b"):
        return f"{text}    # edit it to ask for more time"
    minutes = 2 * _job_minutes(asked) or _twice(wall)
    if set_to(record, "walltime"):
        return f"hydra.launcher.walltime={minutes}min"
    return f"hydra.launcher.timeout_min={minutes}"


def _job_minutes(asked: Fields) -> int:
    """Returns the minutes that a job asked for; 0 if none."""
    return int(_number(asked, "walltime_min"))


def _number(asked: Fields, name: str) -> float:
    """Returns how much of a resource was asked for; 0 if none."""
    found = asked.get(name)
    return found if isinstance(found, (int, float)) else 0


def _twice(wall: float | None) -> int:
    """Returns twice the seconds, in minutes."""
    return max(2, math.ceil(2 * float(wall or 0) / 60))


def set_to(record: SweepRecord, name: str) -> str:
    """Returns what a field of the launcher was set to, as in an override; empty if it was not set."""
    mark = f"++hydra.launcher.{name}="
    return next((text.removeprefix(mark) for text in record.launcher_fields if text.startswith(mark)), "")


def _own_words(record: SweepRecord, pattern: str) -> str:
    """Returns an override for a field in the scheduler's own words that already mentions the resource."""
    for name in ("select", "resources"):
        text = set_to(record, name)
        if re.search(pattern, text):
            return quoted(f"hydra.launcher.{name}={text}")
    return ""

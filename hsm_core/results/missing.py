"""Metrics that a sweep declares and that no task's result has: a misspelled name, mostly."""

from __future__ import annotations

from hsm_core.store.state import SweepState

from .rows import rows


def missing_metrics(state: SweepState) -> list[str]:
    """A line for each; nothing as long as no task completed. Reads results only until all have been found."""
    missing, there, completed = [name for name, _ in state.record.metric], dict[str, None](), False
    for row in rows(state) if missing else ():
        missing = [name for name in missing if name not in row.metrics]
        if not missing:
            return []
        there |= dict.fromkeys(row.metrics)
        completed = completed or row.state == "completed"
    if not completed:
        return []
    has = ", ".join(there) or "no metric at all"
    return [f"the metric '{name}' is in no task's result; there is: {has}" for name in missing]

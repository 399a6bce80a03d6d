"""The obvious next thing to type about a sweep."""

from __future__ import annotations

from collections import Counter

from hsm_core.model import State


def next_command(sweep: str, counts: Counter[State], phase: str = "") -> str:
    """A line to copy.

    Args:
        sweep: its id.
        phase: of the whole sweep, where its end is not certain.
    """
    if phase == "running" or counts["running"] or counts["queued"]:
        return f"hsm-status -w {sweep}"
    if counts["failed"]:
        return f"hsm errors {sweep}"
    if phase == "stopped" or counts["lost"] or counts["pending"] or counts["cancelled"]:
        return f"hsm resume {sweep}"
    return f"hsm results {sweep}"

"""Suggests the next command for a sweep."""

from __future__ import annotations

from collections import Counter

from hsm_core.model import State
from hsm_core.overrides import quoted
from hsm_core.store.record import SweepRecord

from .resume_lines import resume_line


def next_command(record: SweepRecord, counts: Counter[State], phase: str = "") -> str:
    """Returns the command, as a line to copy.

    Args:
        record: the sweep's.
        phase: of the whole sweep, where its end is not certain.
    """
    sweep = record.selector
    if phase == "running" or counts["running"] or counts["queued"]:
        return f"hsm-status -w {quoted(sweep)}"
    if counts["failed"]:
        return f"hsm errors {quoted(sweep)}"
    if phase == "stopped" or counts["lost"] or counts["pending"] or counts["cancelled"]:
        return resume_line(record)
    return f"hsm results {quoted(sweep)}"

"""Reads the results of a sweep, each with the reason why its task is not completed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from hsm_core.results.metrics import Mode
from hsm_core.results.rows import Row, rows
from hsm_core.store.state.sweep_state import SweepState

from .failures.reasons import Reasons


def explained_rows(
    state: SweepState, *, best: tuple[str, Mode] | None = None, among: Iterable[int] | None = None
) -> Iterator[Row]:
    """Yields the rows of a sweep whose state was read; see ``results.rows.rows``."""
    reasons = {number: ending.reason for number, ending in Reasons(state).all()}
    for row in rows(state, best=best, among=among):
        reason = reasons.get(row.task)
        yield replace(row, reason=reason) if reason else row

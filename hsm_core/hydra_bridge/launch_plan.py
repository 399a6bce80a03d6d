"""Passes a sweep's plan from the sweeper to an hsm launcher, before its first launch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class PlannedSweep:
    """A sweep that is ready to start.

    Args:
        tasks: the overrides of all tasks, in order of their numbers; made when asked for.
        name, description, tags: what its user calls it; empty if not said.
        product: one line that says how many tasks there are, and why.
        metric: pairs of a metric's name and ``min`` or ``max``.
        batches: how many calls of ``launch`` will follow.
        dry_run: show what would happen, start nothing.
        resume: the sweep to go on with, as its user named it.
    """

    tasks: Sequence[tuple[str, ...]]
    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    product: str = ""
    metric: tuple[tuple[str, str], ...] = ()
    batches: int = 1
    dry_run: bool = False
    resume: str | None = None


@runtime_checkable
class PlanTaker(Protocol):
    """A launcher that takes the whole plan, as those of hsm do."""

    def announce(self, planned: PlannedSweep) -> None:
        """Takes the whole plan, before the first launch of it."""

    def recorded_tasks(self, resume: str | None = None) -> Sequence[tuple[str, ...]] | None:
        """Returns the tasks of the sweep to resume, in order of their numbers; None when a new one starts."""

    def preview(self, tasks: Sequence[Sequence[str]]) -> list[str]:
        """Returns lines that say what would be submitted for these tasks."""

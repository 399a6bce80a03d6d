"""What the sweeper tells an hsm launcher about the sweep before its first launch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PlannedSweep:
    """A sweep, ready to start.

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

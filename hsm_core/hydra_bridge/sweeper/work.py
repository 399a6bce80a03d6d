"""What a sweeper has to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """The tasks to run, how they came about, and whether a record of them was read instead."""

    tasks: Sequence[tuple[str, ...]]
    product: str
    excluded: Sequence[tuple[str, int]] = ()
    recorded: bool = False

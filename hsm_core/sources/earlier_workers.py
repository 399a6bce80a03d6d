"""Says how much a machine may take while workers of an earlier launch of its sweep still run tasks there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from hsm_core.errors import NotNow
from hsm_core.store.submission import WorkerSpec

from .interface import Pair, Portion
from .snapshot import Snapshot


def portion_beside(
    waiting: Sequence[Pair], jobs: Snapshot, spec: WorkerSpec, own: Collection[str], *, detached: bool, machine: str
) -> Portion:
    """Returns as much of what waits as the slots of earlier workers leave free.

    Args:
        spec: of the machine's workers; its slots are all that the sweep may use there.
        own: workers that this process has started.
        detached: nobody stays to hand over the rest.
        machine: what the user knows it as.

    Raises:
        NotNow: no slot is free.
    """
    others = sum(held for name, held in jobs.busy.items() if name not in own)
    if not others or (detached and own):
        return Portion(waiting)
    free = spec.slots - sum(jobs.busy.values())
    if free <= 0:
        told = f"tasks of an earlier launch use all slots of {machine}"
        raise NotNow(told if detached else "")  # who watches sees them run
    return Portion(waiting, spec=replace(spec, slots=free)) if detached else Portion(waiting[:free])

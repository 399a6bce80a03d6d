"""Tells whose tasks are too short for jobs of their own; some sites ban users for a hundred of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from hsm_core.store.state.sweep_state import SweepState

#: More tasks than this, each shorter than so many seconds. Source: rules of sites, as LRZ's.
MANY, SHORT_S = 100, 120.0
#: Seconds of work that one job should have.
_WORTH_S = 600.0


def hint_to_pack(state: SweepState, numbers: Iterable[int]) -> None:
    """Print a hint, if it is one of these sweeps."""
    known = (state.tasks[number].last or {} for number in numbers if number in state.tasks)
    short = [wall for last in known if (wall := last.get("wall")) is not None and wall < SHORT_S]
    if len(short) <= MANY:
        return
    each = max(2, min(len(short) // 10, int(_WORTH_S / max(0.1, sum(short) / len(short)))))
    print(
        f"{len(short)} tasks took less than {SHORT_S:.0f} s, each in a job of its own\n"
        f"  next: hydra.launcher.tasks_per_job={each}    # several per job: faster, and easier on the scheduler",
        file=sys.stderr,
    )

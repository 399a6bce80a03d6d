"""Whether a sweep has ended, so that another one may begin in its directory."""

from __future__ import annotations

from hsm_core.store.layout import SweepPaths
from hsm_core.store.lease import is_held_here
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.sweeps.earlier_sweeps import is_set_aside_in_part
from hsm_core.views.status.phase import phase_of


def may_give_way(paths: SweepPaths) -> bool:
    """Whether nothing of the sweep in a directory lives or is left to run.

    What this process conducted, it has come to the end of: it begins another one.

    Raises:
        StoreError, VersionMismatch: the sweep can't be read.
        OSError: the disk refuses.
    """
    if is_set_aside_in_part(paths):
        return True
    state = SweepState(paths.place)
    state.refresh()
    counts = state.counts()
    if phase_of(state, counts) in ("completed", "finished", "cancelled"):
        return True
    left = counts["pending"] + counts["queued"] + counts["running"]
    return bool(state.total) and not left and is_held_here(paths)

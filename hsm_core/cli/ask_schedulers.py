"""Asks schedulers about the jobs of sweeps that are shown, and does not wait long for the answer."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hsm_core.errors import HsmError
from hsm_core.store.lease import living_conductor
from hsm_core.store.state.sweep_state import SweepState

if TYPE_CHECKING:
    from hsm_core.sources.job_monitor import JobWatch

#: Seconds after which what the workers said has to do.
PATIENCE_S = 4.0
#: How old another sweep's answer may be.
RECENT_S = 5.0


class JobQuestions:
    """Call it with a sweep that was just read: the state then knows what schedulers say of its jobs.

    Args:
        cancelled: their schedulers have just cancelled the jobs: one that is not named then is gone.
        times_gone: answers without a job after which it is gone: one for who looks, two for who acts on it.
    """

    def __init__(self, times_gone: int = 1, *, cancelled: bool = False) -> None:
        self._times_gone, self._cancelled = times_gone, cancelled
        self._watches: dict[Path, JobWatch] = {}

    def __call__(self, state: SweepState) -> str:
        """Ask: at once the first time, then ever more seldom. Where a conductor lives, its answers serve.

        Returns:
            what is to be said if there was no answer.
        """
        if not state.jobs or not state.numbers_in("queued", "running", "lost"):
            return ""
        from hsm_core.sources.poll_interval import MOST_S

        is_conducted, place = living_conductor(state.paths) is not None, state.paths.place
        known = self._watches.get(place)
        if known is None or is_conducted:
            self._watches[place] = known or self._watch(state, is_conducted)
            return _ask(self._watches[place], MOST_S if is_conducted else RECENT_S)
        return _ask(known, None)

    def _watch(self, state: SweepState, is_conducted: bool) -> JobWatch:
        from hsm_core.hosts.local import LocalHost
        from hsm_core.schedulers.registry import make_scheduler
        from hsm_core.sources.job_monitor import TIMES_GONE, YOUNG_S, JobWatch

        times, young_s = TIMES_GONE if is_conducted else self._times_gone, 0.0 if self._cancelled else YOUNG_S
        host = LocalHost()
        return JobWatch(state, lambda name: make_scheduler(name, host), times_gone=times, young_s=young_s)


def _ask(watch: JobWatch, age_s: float | None) -> str:
    """Ask, if it is time to; or take an answer that is not older than ``age_s``."""
    troubles: list[str] = []

    def look() -> None:
        try:
            if age_s is None:
                watch.look()
            else:
                watch.look_now(time.monotonic() - age_s)
            troubles.append(watch.trouble)
        except (HsmError, OSError) as error:
            troubles.append(str(error).splitlines()[0])

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    if not troubles:
        return f"the scheduler did not answer within {PATIENCE_S:.0f} s; this is what the workers reported"
    return f"the scheduler did not answer: {troubles[0]}" if troubles[0] else ""

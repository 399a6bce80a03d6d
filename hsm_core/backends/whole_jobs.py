"""Finds the jobs that run none but tasks which are to end, so that their scheduler can end them as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from hsm_core.schedulers.interface import Scheduler
from hsm_core.store.jobs import batches_of
from hsm_core.store.state import SweepState


def jobs_of_none_but(state: SweepState, tasks: Sequence[int], scheduler: Scheduler) -> list[str]:
    """Jobs all of whose unfinished tasks are among these: they can be cancelled as a whole."""
    meant, found = set(tasks), []
    for line in state.jobs.submissions():
        if line["backend"] != scheduler.name or not line.get("native_id"):
            continue
        batches: dict[int, list[int]] = {}
        for (_, batch), (number, _) in batches_of(line):
            if state.state_of(number) in ("queued", "running"):
                batches.setdefault(batch, []).append(number)
        wanted = [batch for batch, numbers in batches.items() if meant.issuperset(numbers)]
        if len(wanted) == len(batches):  # a plain job has no elements
            found += [line["native_id"]] if wanted else []
        else:
            found += [scheduler.element(line["native_id"], batch) for batch in wanted]
    return found

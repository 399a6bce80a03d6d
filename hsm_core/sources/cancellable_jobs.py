"""Finds the jobs that a scheduler can end as a whole: all their tasks are to end, or have ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hsm_core.schedulers.interface import Scheduler

from .snapshot import Snapshot


def jobs_of_none_but(jobs: Snapshot, tasks: Sequence[int], scheduler: Scheduler) -> list[str]:
    """Returns jobs all of whose unfinished tasks are among these: they can be cancelled as a whole."""
    meant, found = set(tasks), []
    for line in jobs.lines:
        if not line.native_id:
            continue
        batches: dict[int, list[int]] = {}
        for (_, batch), (number, _) in line.batches():
            if jobs.unended.get(number) in ("queued", "running"):
                batches.setdefault(batch, []).append(number)
        wanted = [batch for batch, numbers in batches.items() if meant.issuperset(numbers)]
        if len(wanted) == len(batches):  # a plain job has no elements
            found += [line.native_id] if wanted else []
        else:
            found += [scheduler.element(line.native_id, batch) for batch in wanted]
    return found


def idle_jobs(jobs: Snapshot, scheduler: Scheduler) -> list[str]:
    """Returns jobs that wait in the queue though all their tasks have ended: Slurm holds them so after an outage.

    Raises:
        NoAnswer: the scheduler does not answer.
    """
    lines = [line for line in jobs.lines if line.native_id]
    statuses = scheduler.poll([line.native_id for line in lines]) if lines else {}
    found: dict[str, bool] = {}
    for line in lines if statuses else ():
        for (_, batch), (number, _) in line.batches():
            status = statuses.get(scheduler.element(line.native_id, batch)) or statuses.get(line.native_id)
            is_ours = status is not None and status.name in ("", line.token)  # ids may be given anew
            if status is not None and is_ours and status.phase == "waiting":
                found[status.native_id] = found.get(status.native_id, True) and number not in jobs.unended
    return [*(native_id for native_id, is_idle in found.items() if is_idle), *_strays(jobs, scheduler)]


def _strays(jobs: Snapshot, scheduler: Scheduler) -> Iterator[str]:
    """Yields jobs under a submission's name that its launcher never heard of, if all tasks of it have ended.

    They show up where a site hands a job on late, and its submit command had said that nothing was accepted.
    """
    waiting = [status for status in scheduler.queue() if status.phase == "waiting"] if jobs.lines else []
    for line in jobs.lines if waiting else ():
        batches = list(line.batches())
        if not any(number in jobs.unended for _, (number, _) in batches):
            own = str(line.native_id)
            known = {own, *(scheduler.element(own, batch) for (_, batch), _ in batches)}
            yield from (one.native_id for one in waiting if one.name == line.token and one.native_id not in known)

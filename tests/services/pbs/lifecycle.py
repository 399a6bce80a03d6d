"""What happens to a job's records when an element ends, goes back to the queue, or is deleted."""

from __future__ import annotations

from collections.abc import Mapping
from time import time

from .jobs import FAILED, FINISHED, HELD, QUEUED, TERMINATED, Element, Job
from .knobs import Knobs

MOST_STARTS = 21
HELD_JOB = "job held, too many failed attempts to run"
START_FAILED_FOR_GOOD = -3
NODE_LOST = -4
FINE = (FINISHED, " and finished")
ENDINGS = {
    "": (FAILED, " and failed"),
    "qdel": (TERMINATED, " and terminated"),
    "walltime": (FAILED, " and exceeded resource walltime"),
}


def element_ended(job: Job, element: Element, status: int | None, killed: str, stageout: int = 1) -> None:
    """An element is over; the array's own status is that of the last one to end, and so often wrong."""
    element.substate, words = FINE if not killed and status == 0 else ENDINGS[killed]
    if element.deleted_by:
        words += f" by {element.deleted_by}"
    element.state, element.exit_status, element.stageout = "D", status, stageout
    element.ended = time()
    element.comment = element.comment + words if element.comment else element.comment
    if job.array and status is not None:
        job.exit_status = 0 if status == 0 else 1 if status > 0 else 2
    close(job)


def close(job: Job) -> None:
    """Note when the whole job is over."""
    if job.finished or any(job.live):
        return
    job.finished = time()
    if job.array and job.comment:
        job.comment += " and finished" if not job.exit_status else " and failed"


def requeued(element: Element) -> None:
    """Back to Q: the same element will run again, whatever its old processes do."""
    element.state, element.substate, element.node = "Q", QUEUED, ""
    element.began = 0.0


def start_failed(server: str, job: Job, element: Element) -> None:
    """After 21 failed starts a job is held for ever; only an operator could release it."""
    requeued(element)
    element.failed_starts += 1
    if element.failed_starts < MOST_STARTS:
        return
    element.substate, element.exit_status, element.comment = HELD, START_FAILED_FOR_GOOD, HELD_JOB
    job.hold = "s"
    if job.array:
        element.state, job.exit_status = "H", 2
        said = "Job Array Held, too many failed attempts to run subjob "
        if not job.comment.startswith(said):
            job.comment = said + job.native_id(server, element.index)
    else:
        job.comment = HELD_JOB


def deleted_while_queued(job: Job, element: Element) -> None:
    """It is over at once, without a status of its own."""
    element.state, element.substate, element.ended = "D", TERMINATED, time()
    element.exit_status = None


def settle_dependencies(jobs: Mapping[int, Job]) -> bool:
    """Let jobs go whose condition is met, delete those whose condition never will be. True: something changed."""
    changed = False
    for job in jobs.values():
        if job.waits_for is None or job.finished:
            continue
        other = jobs.get(job.waits_for)
        if other is not None and not other.finished:
            continue
        changed = True
        status = None if other is None else other.exit_status_of_all
        wanted = {
            "afterok": status == 0,
            "afternotok": status not in (0, None),
            "afterany": other is not None,
        }
        job.waits_for = None
        if not wanted.get(job.waits_how, True):
            for element in list(job.live):
                deleted_while_queued(job, element)
                element.substate, element.comment = FINISHED, ""
            close(job)
    return changed


def forgotten(knobs: Knobs, jobs: Mapping[int, Job]) -> list[int]:
    """Finished jobs that the server no longer remembers."""
    now = time()
    kept = knobs.keep_completed_s if knobs.flavour == "torque" else float("inf")
    return [
        seq
        for seq, job in jobs.items()
        if job.finished and (not knobs.history or now > job.finished + kept) and not waited_for(seq, jobs)
    ]


def waited_for(seq: int, jobs: Mapping[int, Job]) -> bool:
    return any(job.waits_for == seq for job in jobs.values())

"""The sentences that a conductor says: why tasks go to another worker, what is left to itself, what is too short."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from hsm_core.errors import BackendError
from hsm_core.model import counted
from hsm_core.overrides import quoted
from hsm_core.store.record import SweepRecord
from hsm_core.store.state.jobs import ENDED_ITSELF, STAYED_AWAY, JobWord
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.text import tell
from hsm_core.views.failures.reasons import left_behind
from hsm_core.views.lines_to_copy.resume_lines import resume_line


def told_of_orphans(state: SweepState, orphans: Collection[int]) -> list[str]:
    """A line for those whose worker left, as it does when its job's time is nearly over; others for the rest.

    Args:
        orphans: pending tasks that nobody holds any more.
    """
    away = {number: ended for number in orphans if (ended := _ended_by_lease(state, number)) is not None}
    told = [_told_of_lease(state, ended, count) for ended, count in Counter(away.values()).items()]
    orphans = [number for number in orphans if number not in away]
    left = len(left_behind(state, orphans))
    never = len(_never_claimed(state, orphans))
    counts = {
        "a worker has left": left,
        "a worker died": len(orphans) - left - never,
        "a job ended before its worker started": never,
    }
    told += [f"{why}; {counted(count, 'task', 'goes', 'go')} to a new one" for why, count in counts.items() if count]
    return told


def _ended_by_lease(state: SweepState, number: int) -> JobWord | None:
    ended = state.ended_job(number)
    return ended if ended is not None and ended.evidence.endswith((STAYED_AWAY, ENDED_ITSELF)) else None


def _told_of_lease(state: SweepState, ended: JobWord, count: int) -> str:
    """Says why tasks go elsewhere, or are tried again: their machine was away, or we were."""
    from hsm_core.sources.registry import doctor_line

    told = f"warning: {ended.evidence}; {counted(count, 'task', 'goes', 'go')}"
    if ended.evidence.endswith(ENDED_ITSELF):
        fix = "hydra.launcher.on_host_lost=wait    # in the next sweep: none is ended"
        return f"{told} to a new worker\n  fix: {fix}"
    record = state.sources.get(ended.node)
    look = doctor_line(record) if record is not None else f"hsm-status {quoted(state.record.selector)}"
    return f"{told} elsewhere\n  next: {look}    # why it does not answer"


def no_worker_lasts(record: SweepRecord, deaths: int, told: str) -> BackendError:
    """Returns the error that ends the conducting of a sweep whose workers die.

    Args:
        deaths: workers in a row that ended no task.
        told: what one of them printed, or why it is called dead.
    """
    return BackendError(
        f"{deaths} workers in a row ended before any of their tasks did",
        evidence=told or "they printed nothing", fix=f"hsm-status {quoted(record.selector)}",
    )  # fmt: skip


def _never_claimed(state: SweepState, orphans: Collection[int]) -> set[tuple[int, int]]:
    """Those of schedulers' jobs that no worker claimed; here, a job is its worker."""
    pairs = {
        (number, state.tasks[number].attempt) for number in orphans if state.jobs.key_of(number) is not None
    }
    claimed = [span for writer in state.workers() for _, span in writer.claimed] if pairs else []
    return pairs.difference(*claimed)


def parting_words(record: SweepRecord, others: int, left: int, unknown: int, *, cancel: str) -> Iterator[str]:
    """Says what becomes of the tasks, and what to type next.

    Args:
        record: the sweep's.
        others: tasks that were accepted and have not ended, as far as is known.
        left: tasks that were surely not accepted.
        unknown: tasks of which nobody knows whether they were.
        cancel: the tasks were to end, and nobody tells whether they have: when to say so again; empty: they were not.
    """
    if others:
        yield f"{counted(others, 'task')} may still be running" if cancel else (
            f"{counted(others, 'task', 'runs', 'run')} without this process"
        )
    if unknown:
        yield f"{counted(unknown, 'task')} may have been submitted"
    if left:
        yield f"{counted(left, 'task', 'was', 'were')} not submitted"
    if cancel:
        yield f"  next: hsm cancel {quoted(record.selector)}    # {cancel}"
    elif left or unknown:
        yield f"  next: {resume_line(record)}"


#: More tasks than this, each shorter than so many seconds. Source: rules of sites, as LRZ's.
MANY, SHORT_S = 100, 120.0
#: Seconds of work that one job should have.
_WORTH_S = 600.0


def hint_to_pack(state: SweepState, numbers: Iterable[int]) -> None:
    """Print a hint, if it is one of these sweeps."""
    ends = (state.tasks[number].end for number in numbers if number in state.tasks)
    short = [end.wall for end in ends if end is not None and end.wall is not None and end.wall < SHORT_S]
    if len(short) <= MANY:
        return
    each = max(2, min(len(short) // 10, int(_WORTH_S / max(0.1, sum(short) / len(short)))))
    tell(
        f"{len(short)} tasks took less than {SHORT_S:.0f} s, each in a job of its own\n"
        f"  fix: hydra.launcher.tasks_per_job={each}    # several per job: faster, and easier on the scheduler"
    )

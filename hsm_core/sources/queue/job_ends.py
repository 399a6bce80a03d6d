"""Explains the end of a job that no worker told: by its log, by who asked for it, by what else its queue knows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from hsm_core.model import State
from hsm_core.safe_open import log_tail
from hsm_core.schedulers.interface import JobStatus, Scheduler
from hsm_core.schedulers.job_log import could_not_start, reason_in
from hsm_core.schedulers.registry import title_of
from hsm_core.store.layout import SweepPaths
from hsm_core.store.state.jobs import NEVER_BEGAN, NO_WORKER, JobWord, SubmissionState, job_logs

#: Lines of a job's log that are told.
_LAST_LINES = 3


def explained(
    status: JobStatus, paths: SweepPaths, line: SubmissionState, batch: int, began: Collection[str]
) -> JobStatus:
    """An end that the scheduler does not explain, or has forgotten, as the job's own log tells it.

    Args:
        line: its submission; ``batch``: which of its jobs.
        began: the jobs in which a worker of ours began. A job that wrote a log, and in which none did, could not
            start it.
    """
    if status.phase != "ended" or status.reason not in ("unknown", "launch"):
        return status
    logs = [log for log in job_logs(paths, line, batch) if log.exists()]
    for log in logs:
        found = reason_in(log_tail(log))
        if found is not None and status.reason in ("unknown", found[0]):
            state: State = "failed" if found[0] in ("oom", "walltime", "launch") else "lost"
            return replace(status, state=state, reason=found[0], evidence=found[1])
    ends = _ends(logs)
    has_worker = status.native_id in began or line.native_id in began
    words = "" if has_worker else next(filter(None, (could_not_start(log_tail(log)) for log in logs)), "")
    if words and status.state == "lost":  # so would the next one
        return replace(status, state="failed", reason="launch", evidence=f"{NO_WORKER}: {words}; {status.evidence}")
    if status.reason != "unknown" or not logs or (has_worker and (status.word or not ends)):
        return status
    told = f"{status.evidence}; its log " + (f"ends: {ends}" if ends else "is empty")
    return replace(status, evidence=told) if has_worker else replace(status, reason="launch", evidence=told)


def has_begun(paths: SweepPaths, line: SubmissionState, batch: int) -> bool:
    """Whether a job left a log, as it does from its start on."""
    return any(log.exists() for log in job_logs(paths, line, batch))


def vanished(
    native_id: str, scheduler: str, paths: SweepPaths, line: SubmissionState, batch: int,
    is_asked: Callable[[str, int], bool], *, has_not_run: bool,
) -> JobStatus:  # fmt: skip
    """The end of a job of which its scheduler only says that it knows none.

    It was cancelled where there is a witness: a request, or its array, which is there and has just shown it waiting.

    Args:
        is_asked: whether somebody asked for the end of a task of a launch.
        has_not_run: so shortly ago it waited that its scheduler would still know it, had it run.
    """
    launch = line.name.partition("/")[0]
    if all(is_asked(launch, task) for task, _ in line.pairs_of(batch)):
        return _cancelled(native_id, f"job {native_id} left the queue, as requested")
    if has_not_run and not has_begun(paths, line, batch):
        evidence = f"job {native_id} left the queue without having run"
        return _cancelled(native_id, evidence)
    return JobStatus(native_id, "ended", "", evidence=f"{title_of(scheduler)} no longer knows job {native_id}")


def dropped(
    status: JobStatus, scheduler: Scheduler, paths: SweepPaths, line: SubmissionState, batch: int,
    last: JobWord | None, *, is_watched: bool,
) -> JobStatus:  # fmt: skip
    """The end of a job that left neither log nor word, where its scheduler drops jobs that it has accepted.

    Args:
        status: its end, of which nothing is known.
        last: what was seen of it before.
        is_watched: who submitted it still lives, and had better not submit it again: it would be dropped again.
    """
    if status.reason != "unknown" or (last is not None and last.phase == "running"):
        return status
    if has_begun(paths, line, batch):
        return status
    waited = f"; it waited: {last.why}" if last is not None and last.why else ""
    title = title_of(scheduler.name)
    told = f"job {status.native_id} left the queue {NEVER_BEGAN}{waited}; {title} has no record of it"
    return replace(
        status, state="failed" if is_watched else "lost", reason="launch",
        evidence=f"{told} (perhaps {scheduler.why_dropped})",
    )  # fmt: skip


def _cancelled(native_id: str, evidence: str) -> JobStatus:
    return JobStatus(native_id, "ended", "", state="cancelled", reason="cancelled", evidence=evidence)


def _ends(logs: Sequence[Path]) -> str:
    """How the first log that says something ends; empty if none does."""
    for log in logs:
        lines = [line.strip() for line in log_tail(log).splitlines() if line.strip()]
        if lines:
            return " / ".join(lines[-_LAST_LINES:])
    return ""

"""Finds the log of a scheduler's job, whether or not a worker ever started in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .layout import SweepPaths
from .state.jobs import SubmissionState

#: How the end of a job begins that a line of its set-up ended.
SETUP_FAILED = "a set-up line failed"
#: of one that a line ended itself
SETUP_ENDED = "a set-up line ended the job"
#: of a job whose shell or interpreter could not start ours
NO_WORKER = "the job could not start its worker"
#: of a job that its scheduler took out of its queue: the task has had no chance yet
NEVER_BEGAN = "before it started"


def job_logs(paths: SweepPaths, submission: SubmissionState, batch: int) -> Iterator[Path]:
    """Yields the paths where a job's log may be, the likeliest first; not all of them exist.

    The scheduler's names for them stand in the event: ``{id}`` is the native id of the job, or of the array as a
    whole, ``{token}`` the job's name, ``{index}`` the element's number from 0 on, ``{number}`` that from 1 on.

    Args:
        batch: the element of the array; 0 of a plain job.
    """
    facts = {"id": submission.native_id, "token": submission.token}
    for name in submission.logs:
        yield paths.logs / name.format_map({**facts, "index": batch, "number": batch + 1})

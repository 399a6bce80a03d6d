"""Where a scheduler's job printed, whether or not a worker of ours ever began in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .layout import SweepPaths
from .state.jobs import Line

#: How the end of a job begins that a line of its set-up ended.
SETUP_FAILED = "a set-up line failed"
#: of one that a line ended itself
SETUP_ENDED = "a set-up line ended the job"
#: of a job whose shell or interpreter could not start ours
NO_WORKER = "the job could not start its worker"
#: of a job that its scheduler took out of its queue: the task has had no chance yet
NEVER_BEGAN = "before it started"


def job_logs(paths: SweepPaths, submission: Line, batch: int) -> Iterator[Path]:
    """What may be the log of a job, the likeliest first; not all of them are there.

    Of an element, Torque delivers what it says itself to a file beside the one that its script writes.

    Args:
        submission: its ``submit`` line, with the native id.
        batch: the element of the array; 0 of a plain job.
    """
    native_id, token = str(submission.get("native_id") or ""), submission["token"]
    ids = (f"{native_id}_{batch}", native_id.replace("[]", f"[{batch}]"))  # as Slurm and PBS name an element
    for name in (*(f"{submission['backend']}-{one}" for one in ids), f"{token}.{batch}", token):
        yield paths.logs / f"{name}.log"
    yield paths.logs / f"{token}.log-{batch}"


def tail(log: Path) -> str:
    """The last 4 kB; nothing where there is no log."""
    try:
        with open(log, "rb") as stream:
            stream.seek(max(0, log.stat().st_size - 4096))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""

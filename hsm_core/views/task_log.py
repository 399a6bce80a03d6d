"""Finds the log with what a task printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hsm_core.errors import StoreError
from hsm_core.store.layout import TaskPaths
from hsm_core.store.state.jobs import job_logs
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import read_submission


def log_of(state: SweepState, number: int) -> Path | None:
    """Returns the log that says most about a task's end: of the rank that failed, if one did.

    Of a task that has not begun, its worker's; where there was none, its job's.
    """
    files = state.task_directory(number)
    if files is None:
        return _workers(state, number)
    logs = [log for log in _telling(state, number, files) if log.exists()]
    return next(filter(has_text, logs), next(iter(logs), None))


def where_to_read(state: SweepState, number: int) -> str | None:
    """Returns the options of ``hsm logs SWEEP TASK`` that show some text, perhaps none; None if no log has text."""
    files = state.task_directory(number)
    if files is None:
        return "" if has_text(_workers(state, number)) else None
    if any(map(has_text, list(_telling(state, number, files))[:-1])):
        return "--stderr"
    return "" if has_text(files.stdout) else None


def has_text(log: Path | None) -> bool:
    """Returns whether there is anything to read."""
    try:
        return log is not None and log.stat().st_size > 0
    except OSError:
        return False


def stream_of(state: SweepState, number: int, stderr: bool) -> Path | None:
    """Returns the log of a task's stdout or stderr; of stderr, that of the rank that failed, if one did."""
    files = state.task_directory(number)
    if files is None:
        return _workers(state, number)
    if not stderr:
        return files.stdout
    if rank := _failed_rank(state, number):
        return _rank_logs(state, number, rank, files)[0]
    if not files.stderr.exists() and _has_one_log(state, number):
        return files.stdout
    return next(filter(has_text, [files.stderr, *files.logs_of_ranks("stderr")]), files.stderr)


def _telling(state: SweepState, number: int, files: TaskPaths) -> Iterator[Path]:
    if rank := _failed_rank(state, number):
        yield from _rank_logs(state, number, rank, files)
    else:
        yield files.stderr
        yield from files.logs_of_ranks("stderr")
    yield files.stdout


def _failed_rank(state: SweepState, number: int) -> int:
    """Returns the rank other than 0 that a task failed on, as its worker recorded; 0 if none."""
    end = state.tasks[number].end
    return end.rank if end else 0


def _has_one_log(state: SweepState, number: int) -> bool:
    """Returns whether a task prints both streams into one log, as its submission says."""
    task = state.tasks[number]
    writer, pair = state.writers.get(task.worker), (number, task.attempt)
    names = [name for name, span in writer.claimed if pair in span] if writer else []
    try:
        return any(read_submission(state.paths, name).worker.stderr_to_stdout for name in names)
    except StoreError:  # damaged; or a colleague's: that file is its owner's alone
        files = state.task_directory(number)
        return files is not None and files.stdout.exists() and not files.stderr.exists()


def _rank_logs(state: SweepState, number: int, rank: int, files: TaskPaths) -> list[Path]:
    """Returns the logs of a rank: those with text first, then those that exist."""
    own = files.of_rank(rank)
    logs = [own.stderr, own.stdout, state.paths.rank_log(state.tasks[number].worker, rank)]
    return sorted(logs, key=lambda log: (not has_text(log), not log.exists()))


def _workers(state: SweepState, number: int) -> Path | None:
    task = state.tasks.get(number)
    log = state.worker_log(task.worker) if task and task.worker else _jobs(state, number)
    return log if log is not None and state.may_read(log) else None


def _jobs(state: SweepState, number: int) -> Path | None:
    """Returns the log of a job that ended before a worker began in it."""
    key = state.jobs.key_of(number) if number in state.tasks and state.ended_job(number) else None
    found = [submission for submission in state.jobs.submissions() if key and submission.name == key[0]]
    logs = job_logs(state.paths, found[0], key[1]) if key and found else ()
    return next((log for log in logs if log.exists()), None)

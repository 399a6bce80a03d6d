"""Tells what to type next about a task that failed: read a log, ask for more, run it again."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from hsm_core.model import State
from hsm_core.overrides import quoted
from hsm_core.safe_open import log_tail
from hsm_core.store.events import End, Fields
from hsm_core.store.record import SweepRecord
from hsm_core.store.state.jobs import NEVER_BEGAN, SETUP_ENDED, SETUP_FAILED
from hsm_core.store.state.sweep_state import SweepState

from ..lines_to_copy.resume_lines import resume_line, retry_line
from ..task_log import log_of, where_to_read
from .bigger_request import more_memory, more_time
from .not_sent import not_sent
from .reasons import TaskEnding

#: Signals of a program's own fault, of which Python can tell where.
_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)
_FATAL = "Fatal Python error"


def advice(state: SweepState, tasks: Sequence[int], ending: TaskEnding, *, others: bool) -> str:
    """Returns what to type next, after tasks that failed for one cause.

    Args:
        others: more tasks failed for the same reason by another fault, so it names these.
    """
    number, only = tasks[0], tasks if others else ()
    end, read = end_of(state, number), reading(state, number)
    if missed := not_sent(state, number, read):
        return missed.line
    return suggestion(state.record, ending.state, ending.reason, end, read, state.resources_of(number), only)


def end_of(state: SweepState, number: int) -> End:
    """Returns the end of a task; an empty one if its worker left no word."""
    return state.end_of(number) or End(number, 1, state.state_of(number))


def not_sent_remark(state: SweepState, number: int) -> str:
    """Returns a remark for the message of a task that missed a file which is here; empty for others."""
    missed = not_sent(state, number, "")
    return missed.remark if missed else ""


def memory_remark(state: SweepState, number: int) -> str:
    """Returns a remark for the message of a task that was killed by an unknown sender; empty for others."""
    end = end_of(state, number)
    return f"; often the kernel, for lack of memory{_used(end)}" if _may_be_memory(end) else ""


def suggestion(
    record: SweepRecord, now: State, reason: str, end: End, read: str, asked: Fields | None = None,
    only: Sequence[int] = (),
) -> str:  # fmt: skip
    """Returns what to type next, by state and reason.

    Args:
        end: the example's.
        read: what shows most about the example.
        asked: what its job had asked for.
        only: run only these tasks again; else all that failed for this reason.
    """
    if now != "failed":
        return resume_line(record)
    if reason == "oom" or _may_be_memory(end):
        more = more_memory(record, end, asked or {})
        maybe = "" if reason == "oom" else "    # if it ran out of memory"
        return f"{retry_line(record, reason, more, only)}{maybe}" if more else read
    if reason == "walltime":
        return retry_line(record, reason, more_time(record, end, asked or {}))
    if reason == "launch" and end.message.startswith((SETUP_FAILED, SETUP_ENDED)):
        retry = retry_line(record, reason, "'hydra.launcher.setup=[…]'", only)
        return f"{read}    # then {retry}"
    if reason == "launch" and NEVER_BEGAN in end.message:
        return retry_line(record, reason, tasks=only)
    if reason == "disk":
        return f"df -h {quoted(record.dir)}    # once there is room: {retry_line(record, reason)}"
    return retry_line(record, reason) if reason in ("node", "preempted") else read


def reading(state: SweepState, number: int) -> str:
    """Returns the command that shows most about a task's end: a log that has text, the task alone, or the events."""
    record = state.record
    option, alone = where_to_read(state, number), f"hsm command {quoted(record.selector)} {number}"
    if end_of(state, number).signal in _CRASHES and record.can_start_again and not _says_where(state, number):
        return f'PYTHONFAULTHANDLER=1 sh -c "$({alone})"'
    if option is not None:
        return f"hsm logs {quoted(record.selector)} {number} {option}".rstrip()
    return alone if record.can_start_again else f"hsm logs {quoted(record.selector)}"


def _says_where(state: SweepState, number: int) -> bool:
    """Returns whether Python's fault handler has already said where the task crashed."""
    log = log_of(state, number)
    return log is not None and log.is_file() and _FATAL in log_tail(log)


def _may_be_memory(end: End) -> bool:
    """Returns whether a kill by an unknown sender may be for want of memory: the kernel's count can't be read."""
    return end.reason == "signal" and end.signal == signal.SIGKILL


def _used(end: End) -> str:
    used = (end.mem or 0) / 1024
    return f"; it had used {used:.1f} GiB" if used >= 0.1 else ""

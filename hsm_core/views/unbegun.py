"""Tasks whose jobs ended before they began them, by why: they are pending, and would meet the same again."""

from __future__ import annotations

from collections.abc import Collection

from hsm_core.model import Reason
from hsm_core.store.journal import JournalReader
from hsm_core.store.known import WriterState
from hsm_core.store.state import SweepState

from .failures import FailureGroup, normalised
from .more import more_job_time
from .task_log import has_text, log_of
from .words import clean


def group_unbegun(state: SweepState) -> list[FailureGroup]:
    """The pending tasks of such jobs by reason and normalised cause, largest group first."""
    pending = state.numbers_in("pending") if state.jobs else ()
    ends = {number: end for number in pending if (end := state.ended_before(number))}
    left = left_behind(state, [number for number, end in ends.items() if end.reason == "unknown"])
    warned = {name for name in {writer.name for writer in left.values()} if _was_warned(state, name)}
    found: dict[tuple[str, str], list[int]] = {}
    words: dict[int, str] = {}
    for number, end in ends.items():
        reason, told = _why_left(left[number], warned) if number in left else (end.reason, end.evidence)
        words[number] = clean(told.strip())
        found.setdefault((reason, normalised(told)), []).append(number)
    groups = [
        _group(state, reason, cause, words[tasks[0]], tasks, left.get(tasks[0]))
        for (reason, cause), tasks in found.items()
    ]
    return sorted(groups, key=lambda group: (-group.count, group.example))


def _group(
    state: SweepState, reason: str, cause: str, message: str, tasks: list[int], writer: WriterState | None
) -> FailureGroup:
    log = log_of(state, tasks[0])
    if writer is None and reason == "unknown" and log is not None:
        reason = "launch"  # its script began, its worker did not
    advice = _advice(state, writer, reason, tasks[0] if has_text(log) else None)
    return FailureGroup("pending", reason, cause, message, tuple(tasks), log, advice)


def unbegun_line(group: FailureGroup) -> str:
    """``2 not begun: job held, too many failed attempts to run``."""
    more = " ".join(group.suggestion.partition(" --set ")[2].split())
    return f"{group.count} not begun: {group.message}" + (f": ask for {more}" if more else "")


def left_behind(state: SweepState, numbers: Collection[int]) -> dict[int, WriterState]:
    """Those that were claimed, and by workers alone that ended properly: by whom last."""
    waiting = {(number, task.attempt) for number in numbers if (task := state.tasks.get(number))}
    left: dict[int, WriterState] = {}
    dropped: set[int] = set()
    for writer in state.workers() if waiting else ():
        for _, span in writer.claimed:
            found = {number for number, _ in waiting.intersection(span)}
            if writer.sealed:
                left.update(dict.fromkeys(found, writer))
            else:
                dropped |= found
    return {number: writer for number, writer in left.items() if number not in dropped}


def _why_left(writer: WriterState, warned: Collection[str]) -> tuple[Reason, str]:
    if writer.name in warned:
        return "walltime", "its worker left as its job's time was nearly over"
    return "unknown", "its worker left before it began them"


def _was_warned(state: SweepState, worker: str) -> bool:
    return any(event["e"] == "warned" for event in JournalReader(state.paths.journal(worker)).read_new())


def _advice(state: SweepState, writer: WriterState | None, reason: str, logged: int | None) -> str:
    """What to type next.

    Args:
        writer: who left them, if a worker did.
        logged: one of them whose job left a log.
    """
    resume = f"hsm resume {state.record.id}"
    if writer is None and reason == "launch" and logged is not None:
        return f"hsm logs {state.record.id} {logged}"
    if writer is None or reason != "walltime":
        return resume
    took = writer.last_at - float(writer.head.get("at", writer.last_at))
    more = more_job_time(state.record, {"resources": writer.head.get("resources"), "wall": took})
    return f"{resume} --set {more}    (or fewer tasks a job)"

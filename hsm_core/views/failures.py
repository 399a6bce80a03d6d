"""Failures of a sweep by what caused them, the most frequent first, each with an example and what to do."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsm_core.model import State
from hsm_core.overrides import quoted
from hsm_core.store.record import SweepRecord
from hsm_core.store.state import SweepState

from .more import more_memory, more_time
from .task_log import log_of, where_to_read
from .words import clean

_VARYING = (
    (re.compile(r"\b0x[0-9a-fA-F]+"), "0x…"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"(?<=')\.?/[^']*(?=')|(?<=\")\.?/[^\"]*(?=\")"), "<path>"),
    (re.compile(r"(?<![\w/:])(?:[A-Za-z]+://|[~.]?/)[^\s'\"`,;:()<>\[\]]+"), "<path>"),
    (re.compile(r"(?<![A-Za-z_\d])(?<!code )(?<!signal )[-+]?\d[\d_]*(?:[.,]\d+)*(?:[eE][-+]?\d+)?"), "N"),
)
_LONGEST = 160
#: Signals of a program's own fault, of which Python can tell where.
_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)

Line = dict[str, Any]


@dataclass(frozen=True)
class FailureGroup:
    """Tasks that failed for the same cause.

    Args:
        state: ``failed`` or ``lost``; ``pending`` where a job ended before it began them.
        reason: one of ``model.REASONS``, or ``lost`` with the evidence as cause.
        cause: the message without paths, numbers and addresses.
        message: the example's own message.
        tasks: numbers, ascending; the first is the example.
        log: the example's stderr, of the rank that failed; its worker's log if the task never began.
        suggestion: a line to copy.
    """

    state: State
    reason: str
    cause: str
    message: str
    tasks: tuple[int, ...]
    log: Path | None
    suggestion: str

    @property
    def count(self) -> int:
        return len(self.tasks)

    @property
    def example(self) -> int:
        return self.tasks[0]


def group_failures(state: SweepState, among: range | None = None) -> list[FailureGroup]:
    """The failed and lost tasks by reason and normalised cause, largest group first.

    Args:
        among: consider these tasks only.
    """
    found: dict[tuple[State, str, str], list[int]] = {}
    for number in state.numbers_in("failed", "lost"):
        if among is None or number in among:
            now = state.state_of(number)
            reason, message = _word(state, number, now)
            found.setdefault((now, reason, normalised(message)), []).append(number)
    groups = [_group(state, key, tasks) for key, tasks in found.items()]
    return sorted(groups, key=lambda group: (-group.count, group.example))


def normalised(message: str) -> str:
    """What is the same in messages of one cause: the first line without paths, numbers and addresses."""
    line = next((line for line in message.splitlines() if line.strip()), "").strip()
    for pattern, word in _VARYING:
        line = pattern.sub(word, line)
    line = clean(line)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def message_of(event: dict[str, Any]) -> str:
    """What an ``end`` line says, led by the exception's kind."""
    kind, message = str(event.get("kind") or ""), str(event.get("message") or "")
    if not kind or message.startswith(kind):
        return message or "no message"
    return f"{kind}: {message}" if message else kind


def _word(state: SweepState, number: int, now: State) -> tuple[str, str]:
    """A task's reason and message; the sweep's own directory is only ``.`` in it."""
    if now == "lost":
        reason = str(state.ending_of(number).get("reason") or "unknown")
        told = state.evidence_of(number) or "no evidence recorded"
        return (reason if reason != "unknown" else "lost"), told
    event = state.ending_of(number)
    return str(event.get("reason") or "unknown"), message_of(event).replace(f"{state.paths.root}/", "./")


def _group(state: SweepState, key: tuple[State, str, str], tasks: list[int]) -> FailureGroup:
    now, reason, cause = key
    example = tasks[0]
    message = clean(_word(state, example, now)[1].strip())
    event = {**state.ending_of(example), "resources": state.resources_of(example)}
    log = log_of(state, example)
    if _may_be_memory(event):
        message += f"; often the kernel does that for want of memory{_used(event)}"
    advice = suggestion(state.record, now, reason, event, reading(state, example, event))
    return FailureGroup(now, reason, cause, message, tuple(tasks), log, advice)


def suggestion(record: SweepRecord, now: State, reason: str, event: Line, read: str) -> str:
    """What to type next, by state and reason.

    Args:
        event: the example's end, with the ``resources`` that its job had asked for.
        read: what shows most about the example.
    """
    retry = f"hsm retry {record.id} --error {reason}"
    if now != "failed":
        return f"hsm resume {record.id}"
    if reason == "oom" or _may_be_memory(event):
        more = more_memory(record, event)
        maybe = "" if reason == "oom" else "    (if it ran out of memory)"
        return f"{retry} --set {more}{maybe}" if more else read
    if reason == "walltime":
        return f"{retry} --set {more_time(record, event)}"
    if reason == "disk":
        return f"df -h {quoted(record.dir)}"
    return retry if reason in ("node", "preempted") else read


def reading(state: SweepState, number: int, event: Line) -> str:
    """The command that shows most about a task's end: a log with something in it, the task alone, or the story."""
    record = state.record
    option = where_to_read(state, number)
    if option is not None:
        return f"hsm logs {record.id} {number} {option}".rstrip()
    if not record.app.get("main"):
        return f"hsm logs {record.id}"
    alone = f"hsm command {record.id} {number}"
    if event.get("signal") in _CRASHES:
        return f'PYTHONFAULTHANDLER=1 sh -c "$({alone})"'
    return alone


def _may_be_memory(event: Line) -> bool:
    """Killed, and nobody here said so: where the kernel's count can't be read, want of memory looks like that."""
    return event.get("reason") == "signal" and event.get("signal") == signal.SIGKILL


def _used(event: Line) -> str:
    used = float(event.get("mem") or 0) / 1024
    return f"; it had used {used:.1f} GiB" if used >= 0.1 else ""

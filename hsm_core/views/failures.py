"""Failures of a sweep by what caused them, the most frequent first, each with an example and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsm_core.model import State
from hsm_core.store.record import SweepRecord
from hsm_core.store.state import SweepState

from .more import more_memory, more_time
from .task_log import log_of
from .words import clean

_VARYING = (
    (re.compile(r"\b0x[0-9a-fA-F]+"), "0x…"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"(?<=')\.?/[^']*(?=')|(?<=\")\.?/[^\"]*(?=\")"), "<path>"),
    (re.compile(r"(?<![\w/:])(?:[A-Za-z]+://|[~.]?/)[^\s'\"`,;:()<>\[\]]+"), "<path>"),
    (re.compile(r"(?<![A-Za-z_\d])(?<!code )(?<!signal )[-+]?\d[\d_]*(?:[.,]\d+)*(?:[eE][-+]?\d+)?"), "N"),
)
_LONGEST = 160


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
    advice = suggestion(state.record, now, reason, example, event, has_log=log is not None)
    return FailureGroup(now, reason, cause, message, tuple(tasks), log, advice)


def suggestion(
    record: SweepRecord, now: State, reason: str, example: int, event: dict[str, Any], *, has_log: bool = True
) -> str:
    """What to type next, by state and reason."""
    retry = f"hsm retry {record.id} --error {reason}"
    if now != "failed":
        return f"hsm resume {record.id}"
    if reason == "oom" and record.launcher == "hsm_local":
        return f"{retry} --set hydra.launcher.slots=1"
    if reason == "oom":
        return f"{retry} --set {more_memory(record, event)}"
    if reason == "walltime":
        return f"{retry} --set {more_time(record, event)}"
    if reason == "disk":
        return f"df -h {record.dir}"
    return f"hsm logs {record.id} {example} --stderr" if has_log else f"hsm command {record.id} {example}"

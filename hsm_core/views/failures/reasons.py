"""Says why tasks are not completed: the one place for every text, table and command."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from hsm_core.model import Reason, State
from hsm_core.store.events import End, Refusal, Warned
from hsm_core.store.journal import JournalReader
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.state.task_state import WriterState

from ..task_log import log_of

#: Why a task is not completed, where nobody had to say it.
_UNSAID: Mapping[State, Reason] = {"cancelled": "cancelled", "lost": "unknown", "failed": "unknown"}


@dataclass(frozen=True)
class TaskEnding:
    """Why one task is not completed.

    Args:
        state: ``failed``, ``lost`` or ``cancelled``; ``pending`` where a job ended before it began the task,
            or was refused.
        message: what was reported or observed; empty where the reason says all.
        node: where its job ran; empty where nobody knows.
        left_by: the worker that claimed a pending task and left properly without it.
        is_refused: its scheduler did not take it.
    """

    state: State
    reason: Reason
    message: str
    node: str = ""
    left_by: WriterState | None = None
    is_refused: bool = False


class Reasons:
    """Why tasks of a sweep are not completed, by a state as it was read; make a new one after each refresh."""

    def __init__(self, state: SweepState) -> None:
        self._state = state

    def of(self, number: int) -> TaskEnding | None:
        """Returns why a task is not completed; None if it completed, runs or waits, or if no reason is known."""
        now = self._state.state_of(number)
        if now == "pending":
            return self._unbegun.get(number) or self._refused
        if now not in _UNSAID:
            return None
        end = self._state.end_of(number)
        reason = (end.reason if end else None) or _UNSAID[now]
        if now == "lost":
            evidence = self._state.evidence_of(number) or "no reason recorded"
            told = evidence.replace(f"{self._state.paths.root}/", "./")  # hsm's own words; an app's stay as they are
        else:
            told = message_of(end) if end and end.reason else ""
        return TaskEnding(now, reason, told, self._state.node_of(number))

    def all(self, among: Collection[int] | None = None) -> Iterator[tuple[int, TaskEnding]]:
        """Yields these tasks with their endings, ascending, if they have one; ``among`` None means all tasks."""
        for number in self._state.numbers_in("failed", "lost", "cancelled", "pending"):
            if (among is None or number in among) and (found := self.of(number)) is not None:
                yield number, found

    @cached_property
    def _unbegun(self) -> dict[int, TaskEnding]:
        """Returns the endings of pending tasks whose jobs have ended."""
        state = self._state
        pending = state.numbers_in("pending") if state.jobs else ()
        ends = {number: end for number in pending if (end := state.ended_before(number))}
        untold = [number for number, end in ends.items() if end.reason == "unknown"]
        left, claimed = left_behind(state, untold), _claimed(state, untold)
        warned = {name for name in {writer.name for writer in left.values()} if _was_warned(state, name)}
        found = {}
        for number, end in ends.items():
            reason, told, writer = end.reason, end.evidence, left.get(number)
            if writer is not None:
                reason, told = _why_left(writer, warned)
            elif reason == "unknown" and number not in claimed and log_of(state, number) is not None:
                reason = "launch"  # its script began, its worker did not
            found[number] = TaskEnding("pending", reason, told.strip(), end.node, writer)
        return found


    @cached_property
    def _refused(self) -> TaskEnding | None:
        """Returns the ending of the other pending tasks, if the scheduler refused what was submitted last."""
        no = self._state.refusal()
        return None if no is None else TaskEnding("pending", "launch", refusal_words(no), is_refused=True)


def refusal_words(no: Refusal) -> str:
    """Returns what a scheduler said when it refused, on one line."""
    told = no.message if ": " in no.message or not no.evidence else f"{no.message}: {no.evidence}"
    return " ".join(told.split())


def message_of(end: End) -> str:
    """Returns the message of an end, with the exception's kind in front."""
    if not end.kind or end.message.startswith(end.kind):
        return end.message or "no message"
    return f"{end.kind}: {end.message}" if end.message else end.kind


def left_behind(state: SweepState, numbers: Collection[int]) -> dict[int, WriterState]:
    """Returns the tasks that only workers claimed which have ended properly, each with the last such worker."""
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


def _claimed(state: SweepState, numbers: Collection[int]) -> set[int]:
    waiting = {(number, task.attempt) for number in numbers if (task := state.tasks.get(number))}
    spans = [span for writer in state.workers() for _, span in writer.claimed] if waiting else []
    return {number for span in spans for number, _ in waiting.intersection(span)}


def _why_left(writer: WriterState, warned: Collection[str]) -> tuple[Reason, str]:
    if writer.name in warned:
        return "walltime", "its worker ended because its job was nearly out of time"
    return "unknown", "its worker ended before starting them"


def _was_warned(state: SweepState, worker: str) -> bool:
    return any(isinstance(event, Warned) for event in JournalReader(state.paths.journal(worker)).read_new())

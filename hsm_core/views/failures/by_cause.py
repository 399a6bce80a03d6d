"""Groups the failures of a sweep by cause, the most frequent first, each with an example and a suggestion."""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hsm_core.model import State
from hsm_core.overrides import quoted
from hsm_core.safe_open import log_tail
from hsm_core.store.events import End, Fields
from hsm_core.store.record import SweepRecord
from hsm_core.store.state.jobs import NEVER_BEGAN, SETUP_ENDED, SETUP_FAILED
from hsm_core.store.state.sweep_state import SweepState

from ..lines_to_copy.resume_lines import resume_line, retry_line
from ..task_log import log_of, where_to_read
from ..text import clean
from .bigger_request import more_memory, more_time
from .not_sent import not_sent
from .reasons import Reasons, TaskEnding

_VARYING = (
    (re.compile(r"\b0x[0-9a-fA-F]+"), "0x…"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"(?<=')\.?/[^']*(?=')|(?<=\")\.?/[^\"]*(?=\")"), "<path>"),
    (re.compile(r"(?<![\w/:])(?:[A-Za-z]+://|[~.]?/)[^\s'\"`,;:()<>\[\]]+"), "<path>"),
    (re.compile(r"(?<![A-Za-z_\d])(?<!code )(?<!signal )[-+]?\d[\d_]*(?:[.,]\d+)*(?:[eE][-+]?\d+)?"), "N"),
)
#: ``slurmstepd-node7: error: …``
_DAEMON = re.compile(r"\b(slurmstepd|slurmd|pbs_mom)-[\w.-]+(?=:)")
#: ``Slurm says NODE_FAIL, on node[1-2]``, whatever the nodes call themselves
_SLURMS_NODES = re.compile(r"(Slurm says .*, on )[\w.,\[\]-]+$")
_LONGEST = 160
#: Signals of a program's own fault, of which Python can tell where.
_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)
#: Reasons that say how a task ended, and leave open what was at fault.
_SEVERAL_FAULTS = ("signal", "launch")
_FATAL = "Fatal Python error"



@dataclass(frozen=True)
class FailureGroup:
    """Tasks that failed for the same cause.

    Args:
        state: ``failed`` or ``lost``; ``pending`` where a job ended before it began them.
        reason: one of ``model.REASONS``.
        cause: the first line of the message; where it differs, without paths, numbers, addresses and nodes.
        message: the example's own message.
        where: the place in the app, as ``train.py:12 in main``; empty if none is known.
        tasks: numbers, ascending; the first is the example.
        log: the example's stderr, of the rank that failed; its worker's log if the task never began.
        suggestion: a line to copy.
        nodes: where a cluster ran them, with how many of them, as far as that is known; the most first.
    """

    state: State
    reason: str
    cause: str
    message: str
    tasks: tuple[int, ...]
    log: Path | None
    suggestion: str
    nodes: tuple[tuple[str, int], ...] = ()
    where: str = ""

    @property
    def count(self) -> int:
        return len(self.tasks)

    @property
    def example(self) -> int:
        return self.tasks[0]


def group_failures(state: SweepState, among: Collection[int] | None = None) -> list[FailureGroup]:
    """Returns the failed and lost tasks by reason and normalised cause, the largest group first.

    Args:
        among: consider these tasks only.
    """
    endings = {number: end for number, end in Reasons(state).all(among) if end.state in ("failed", "lost")}
    of_reason = Counter(end.reason for end in endings.values() if end.state == "failed")

    def advice(state: SweepState, tasks: Sequence[int], ending: TaskEnding) -> str:
        others = among is not None or len(tasks) < of_reason[ending.reason]
        return _advice(state, tasks, ending, others=others and ending.reason in _SEVERAL_FAULTS)

    return grouped(state, endings, advice)


def grouped(
    state: SweepState, endings: Mapping[int, TaskEnding],
    advice: Callable[[SweepState, Sequence[int], TaskEnding], str],
) -> list[FailureGroup]:  # fmt: skip
    """Returns tasks by reason and cause, the largest group first.

    Args:
        advice: what to type next, by a group's tasks and the ending of the first, its example.
    """
    nodes = {end.node for end in endings.values()} | {writer.host for writer in state.workers()}
    nodes = nodes - {""} if state.jobs else set()
    found: dict[tuple[State, str, str], list[int]] = {}
    for number, end in endings.items():
        found.setdefault((end.state, end.reason, normalised(end.message, nodes)), []).append(number)
    groups = []
    for (now, reason, cause), tasks in found.items():
        example = endings[tasks[0]]
        cause = _common([endings[task].message for task in tasks]) or cause
        message = clean(example.message.strip() + _not_sent_remark(state, tasks[0])) + memory_remark(state, tasks[0])
        told = Counter(node for task in tasks if (node := endings[task].node)) if state.jobs else Counter[str]()
        groups.append(
            FailureGroup(
                now, reason, cause, message, tuple(tasks), log_of(state, tasks[0]), advice(state, tasks, example),
                tuple(told.most_common()), clean(_end(state, tasks[0]).where),
            )
        )  # fmt: skip
    return sorted(groups, key=lambda group: (-group.count, group.example))


def normalised(message: str, nodes: Collection[str] = ()) -> str:
    """Returns what messages of one cause share: the first line without paths, numbers, addresses and nodes.

    Args:
        nodes: names of machines; also without their domains.
    """
    line = _SLURMS_NODES.sub(r"\1<node>", _DAEMON.sub(r"\1-<node>", _first_line(message)))
    names = {name for node in nodes for name in (node, node.partition(".")[0])}
    if names:
        longest_first = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
        line = re.sub(rf"(?<![\w.])(?:{longest_first})(?![\w-]|\.\w)", "<node>", line)
    for pattern, word in _VARYING:
        line = pattern.sub(word, line)
    return _cut(clean(line))


def _common(messages: Sequence[str]) -> str:
    """Returns the first line of messages that all begin with the same one; else nothing."""
    found = {_first_line(message) for message in messages}
    return _cut(clean(found.pop())) if len(found) == 1 else ""


def _first_line(message: str) -> str:
    return next((line for line in message.splitlines() if line.strip()), "").strip()


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _advice(state: SweepState, tasks: Sequence[int], ending: TaskEnding, *, others: bool) -> str:
    """Returns what to type next; it names the tasks where ``others`` failed for the same reason by another fault."""
    number, only = tasks[0], tasks if others else ()
    end, read = _end(state, number), reading(state, number)
    if missed := not_sent(state, number, read):
        return missed.line
    return suggestion(state.record, ending.state, ending.reason, end, read, state.resources_of(number), only)


def _end(state: SweepState, number: int) -> End:
    """Returns the end of a task; an empty one if its worker left no word."""
    return state.end_of(number) or End(number, 1, state.state_of(number))


def _not_sent_remark(state: SweepState, number: int) -> str:
    missed = not_sent(state, number, "")
    return missed.remark if missed else ""


def memory_remark(state: SweepState, number: int) -> str:
    """Returns a remark for the message of a task that was killed by an unknown sender; empty for others."""
    end = _end(state, number)
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
    if _end(state, number).signal in _CRASHES and record.can_start_again and not _says_where(state, number):
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

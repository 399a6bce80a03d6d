"""Groups the failures of a sweep by cause, the most frequent first, each with an example and a suggestion."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hsm_core.model import State
from hsm_core.store.state.sweep_state import SweepState

from ..task_log import log_of
from ..text import clean
from .advice import advice, end_of, memory_remark, not_sent_remark
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
#: Reasons that say how a task ended, and leave open what was at fault.
_SEVERAL_FAULTS = ("signal", "launch")



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

    def advised(state: SweepState, tasks: Sequence[int], ending: TaskEnding) -> str:
        others = among is not None or len(tasks) < of_reason[ending.reason]
        return advice(state, tasks, ending, others=others and ending.reason in _SEVERAL_FAULTS)

    return grouped(state, endings, advised)


def grouped(
    state: SweepState, endings: Mapping[int, TaskEnding],
    advised: Callable[[SweepState, Sequence[int], TaskEnding], str],
) -> list[FailureGroup]:  # fmt: skip
    """Returns tasks by reason and cause, the largest group first.

    Args:
        advised: what to type next, by a group's tasks and the ending of the first, its example.
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
        message = clean(example.message.strip() + not_sent_remark(state, tasks[0])) + memory_remark(state, tasks[0])
        told = Counter(node for task in tasks if (node := endings[task].node)) if state.jobs else Counter[str]()
        groups.append(
            FailureGroup(
                now, reason, cause, message, tuple(tasks), log_of(state, tasks[0]), advised(state, tasks, example),
                tuple(told.most_common()), clean(end_of(state, tasks[0]).where),
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

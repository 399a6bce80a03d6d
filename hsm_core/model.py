"""Defines the nouns of hsm.

Sweep       one ``-m`` run: tasks, a directory, an id ``<name>-MMDD-HHMM-xxxx``
Task        one set of overrides with its number (Hydra says "job")
Attempt     the n-th try of a task, counted from 1
Batch       (task, attempt) pairs handed over together and run by one worker; fixed on disk before submission
Submission  one array or script given to a scheduler: batches, a token, later a native id
Job         what a scheduler or a pool knows; has a ``native_id``
Worker      our process on a node; runs the tasks of its batch in its slots
Conductor   the process that submits, watches and collects for a sweep; one at a time
Event       a fact, written once by one writer
State       what the events add up to
Reason      why a task is not completed
Scheduler   a batch system's dialect: Slurm, PBS
Host        a machine where commands run: this one, or one behind SSH
Source      a named place where tasks run: a queue (a scheduler over a host) or a pool (workers on a host)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

#: In place of a secret.
HIDDEN = "<hidden>"
State = Literal["pending", "queued", "running", "completed", "failed", "cancelled", "lost"]
Reason = Literal[
    "exception", "oom", "walltime", "disk", "signal", "node", "preempted", "launch", "cancelled", "unknown"
]
Isolation = Literal["auto", "fork", "spawn", "none"]
#: Where tasks run: what a scheduler starts, workers of this process on this machine, workers on another machine.
#: Who gets the next task, where there are several sources.
Strategy = Literal["fastest", "least_loaded", "round_robin", "random"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
#: How well a source is: what it is given follows from that.
Standing = Literal["well", "degraded", "disabled"]
SourceKind = Literal["queue", "pool", "host"]
SOURCE_KINDS: tuple[SourceKind, ...] = ("queue", "pool", "host")

STATES: tuple[State, ...] = get_args(State)
REASONS: tuple[Reason, ...] = get_args(Reason)
#: Fields of launchers that are two names for one thing: whichever was said last counts.
SYNONYMS = (("walltime", "timeout_min"), ("queue", "partition"))
#: States that no further event of the same attempt is expected to change.
ENDED: frozenset[State] = frozenset({"completed", "failed", "cancelled", "lost"})
#: They came to an end of their own; a resume runs the others, unless they are alive.
DONE: frozenset[State] = frozenset({"completed", "failed"})


@dataclass(frozen=True)
class Task:
    """One set of overrides with its number; Hydra's ``hydra.job.num``."""

    number: int
    overrides: tuple[str, ...]


@dataclass(frozen=True)
class Span:
    """``count`` tasks in a row, from ``first`` on, all at the same ``attempt``."""

    first: int
    count: int
    attempt: int = 1

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for number in range(self.first, self.first + self.count):
            yield number, self.attempt

    def to_json(self) -> list[int]:
        return [self.first, self.count, self.attempt]


def counted(count: int, noun: str, one: str = "", many: str = "") -> str:
    """Returns ``1 task``, ``2 tasks``; with a verb for one and one for several, ``1 task was``, ``2 tasks were``."""
    ending, verb = ("", one) if count == 1 else ("s", many)
    return f"{count} {noun}{ending} {verb}".rstrip()


def spans(pairs: Iterator[tuple[int, int]] | list[tuple[int, int]]) -> tuple[Span, ...]:
    """Writes (task, attempt) pairs as few spans, in the order given."""
    found: list[Span] = []
    for number, attempt in pairs:
        last = found[-1] if found else None
        if last and last.attempt == attempt and last.first + last.count == number:
            found[-1] = Span(last.first, last.count + 1, attempt)
        else:
            found.append(Span(number, 1, attempt))
    return tuple(found)


@dataclass(frozen=True)
class ProcessIdentity:
    """Names one process for ever: host, boot, pid and start time (clock ticks, or what ``ps`` says)."""

    host: str
    boot: str
    pid: int
    start: str


@dataclass(frozen=True)
class Resources:
    """The resources of a task, or of a job of several; ``None`` leaves one to the site.

    A scheduler adds its own fields in a subclass, see ``schedulers/slurm/settings.py``.

    Args:
        walltime_min: minutes.
        nodes, tasks_per_node: ranks of one task.
        cpus_per_task: cores a rank.
        mem_gb: GiB a node.
        gpus_per_node: GPUs a node.
        queue, account, priority: by name.
        raw: one string in the scheduler's own words.
        directives: raw lines for the script.
        mail_user, mail_type: who gets mail, and when, in the scheduler's words.
    """

    walltime_min: int | None = None
    nodes: int = 1
    tasks_per_node: int = 1
    cpus_per_task: int | None = None
    mem_gb: float | None = None
    gpus_per_node: int | None = None
    queue: str | None = None
    account: str | None = None
    priority: str | None = None
    raw: str | None = None
    directives: tuple[str, ...] = ()
    mail_user: str | None = None
    mail_type: str | None = None

    @property
    def ranks(self) -> int:
        """Returns the number of processes of one task."""
        return self.nodes * self.tasks_per_node

    @property
    def warn_s(self) -> float:
        """Returns the seconds before its end at which the scheduler warns the job; 0 if it does not."""
        return 0.0

    @property
    def max_restarts(self) -> int:
        """Returns how often a job whose time is over may be run again."""
        return 0

    @property
    def is_one_log(self) -> bool:
        """Returns whether a task prints both streams into one log."""
        return False

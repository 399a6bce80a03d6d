"""Says what every place where tasks run can do, so that the conductor need not know which one it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

from hsm_core.model import ProcessIdentity, Resources, SourceKind, Span, spans
from hsm_core.store.record import SourceRecord
from hsm_core.store.state.jobs import JobWord, Key
from hsm_core.store.submission import Submission, WorkerSpec

from .queue.stalled_jobs import Held
from .snapshot import Snapshot

Pair = tuple[int, int]


@dataclass(frozen=True)
class Handed:
    """A submission that was accepted.

    Args:
        native_id: what the scheduler or pool calls the job.
        job: the process, where the job is one of this machine.
    """

    native_id: str
    job: ProcessIdentity | None = None


@dataclass(frozen=True)
class Portion:
    """The next thing to submit: one job or one array.

    Args:
        pairs: (task, attempt), in order.
        each: how many of them a worker claims together; 0: all.
        asked: what its job asks the scheduler for, where there is one.
        at_once: elements of its array that may run together; None: all.
        remark: what the user should know of it.
        spec: of its workers; None: the source's.
    """

    pairs: Sequence[Pair]
    each: int = 0
    asked: Resources | None = None
    at_once: int | None = None
    remark: str = ""
    spec: WorkerSpec | None = None

    @property
    def resources(self) -> dict[str, object]:
        """Returns the resources that its job asks for, without those that were left to the site."""
        found = {} if self.asked is None else asdict(self.asked)
        return {name: value for name, value in found.items() if value not in (None, "", (), {}, [], False)}

    @property
    def batches(self) -> tuple[tuple[Span, ...], ...]:
        size = self.each or len(self.pairs)
        return tuple(
            spans(list(self.pairs[first : first + size])) for first in range(0, len(self.pairs), size)
        )


@dataclass(frozen=True)
class Polled:
    """Tells what a source found out of its jobs.

    Args:
        words: of its jobs, by submission and batch; what is not named is as it was.
        is_answer: its scheduler answered.
        at: when it answered, or failed to, by the machine's monotonic clock; None: it was not asked.
        trouble: why it did not answer; empty if it did.
        ask_soon: a further question would tell more.
        has_stuck: jobs that it has given up wait in its queue until it is tended.
        in_doubt: jobs were missing from an answer, and the next one decides.
        found: native ids of submissions that had no answer, by their names.
        hopeless: why jobs never start, by their ids.
        held: of jobs that somebody can let start.
    """

    words: Mapping[Key, JobWord] = field(default_factory=dict)
    is_answer: bool = False
    at: float | None = None
    trouble: str = ""
    ask_soon: bool = False
    has_stuck: bool = False
    in_doubt: bool = False
    found: Mapping[str, str] = field(default_factory=dict)
    hopeless: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, Held] = field(default_factory=dict)


@dataclass(frozen=True)
class Health:
    """How a source is.

    Args:
        capacity: tasks that it runs at once, of a queue those of the jobs that do; None: nobody knows, or any number.
        trouble: what is wrong with it; empty if nothing is.
    """

    capacity: int | None = None
    trouble: str = ""


class RunningSource(Protocol):
    """Does what can be done with the jobs of a source, also by a process that did not submit them.

    Calls may block. They come one at a time, and take what they must know of the sweep along: a source neither reads
    its state nor writes it.
    """

    @property
    def name(self) -> str:
        """By which submissions name it: ``local``, ``slurm``."""

    @property
    def kind(self) -> SourceKind:
        """``queue`` or ``pool``."""

    def find(self, token: str) -> Handed | None:
        """Returns the job of a submission, if that was accepted after all.

        Raises:
            NoAnswer: nobody knows.
        """

    def poll(self, jobs: Snapshot, not_before: float) -> Polled:
        """Finds out what became of its jobs.

        Args:
            not_before: an answer of this time (monotonic clock, seconds) or later serves too.
        """

    def tend(self, jobs: Snapshot) -> None:
        """Cleans up after the dead, and shares out what there is."""

    def cancel(self, jobs: Snapshot, *, at_once: bool = False) -> None:
        """Asks all its jobs to end; ``at_once`` kills.

        Raises:
            NoAnswer: they may go on.
        """

    def cancel_tasks(self, jobs: Snapshot, tasks: Sequence[int]) -> None:
        """Sees to it that these tasks, which wait, are not started; workers read requests themselves.

        Raises:
            NoAnswer: they may be started.
        """

    def remove_idle(self, jobs: Snapshot) -> int:
        """Takes out jobs that wait though all their tasks have ended; returns how many.

        Raises:
            NoAnswer: they are still there.
        """

    def health(self) -> Health:
        """Returns how much it takes, and what is wrong with it."""

    def close(self) -> None:
        """No more will be submitted: what runs, ends by itself."""


class Source(RunningSource, Protocol):
    """A place where tasks run: a scheduler's queue, or a pool of workers on a host."""

    @property
    def spec(self) -> WorkerSpec:
        """How its workers run tasks that wish for nothing of their own."""

    @property
    def record(self) -> SourceRecord:
        """Describes it, so that a later process can ask there."""

    @property
    def logs(self) -> tuple[str, ...]:
        """The names of its jobs' own logs, see ``hsm_core.store.state.jobs``."""

    def preview(self, tasks: Sequence[int], *, detached: bool) -> list[str]:
        """Returns what would be submitted for these tasks, as lines to read; see ``next_portion``."""

    def next_portion(self, waiting: Sequence[Pair], jobs: Snapshot, *, detached: bool) -> Portion:
        """Returns what of the waiting tasks is to be submitted next.

        Args:
            detached: nobody will be there later to submit the rest.

        Raises:
            NotNow: there is no room for more now.
        """

    def prepare(self, submission: Submission, portion: Portion) -> None:
        """Puts on disk whatever the submission needs beside its record; never blocks."""

    def submit(self, submission: Submission, portion: Portion) -> Handed:
        """Hands over a submission that is on disk already.

        Raises:
            NotNow, LimitReached: nothing was accepted, later it may be.
            NoAnswer: perhaps it was accepted; ``find`` knows.
            BackendError: it was not accepted; nothing of it will run.
        """

    def log_tail(self) -> str:
        """Returns the last lines of the newest worker's own log, for messages."""

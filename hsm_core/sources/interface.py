"""What every place where batches go can do, so that the conductor need not know which one it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from hsm_core.model import ProcessIdentity, Resources, Span, spans
from hsm_core.store.submission import Submission, WorkerSpec

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
    """What is to be submitted next, as one job or one array.

    Args:
        pairs: (task, attempt), in order.
        each: how many of them a worker claims together; 0: all.
        asked: what its job asks the scheduler for, where there is one.
        at_once: elements of its array that may run together; None: all.
        remark: what the user should know of it.
        spec: of its workers; None: the backend's.
    """

    pairs: Sequence[Pair]
    each: int = 0
    asked: Resources | None = None
    at_once: int | None = None
    remark: str = ""
    spec: WorkerSpec | None = None

    @property
    def resources(self) -> dict[str, object]:
        """What its job asks for, without what was left to the site."""
        found = {} if self.asked is None else asdict(self.asked)
        return {name: value for name, value in found.items() if value not in (None, "", (), {}, [], False)}

    @property
    def batches(self) -> tuple[tuple[Span, ...], ...]:
        size = self.each or len(self.pairs)
        return tuple(
            spans(list(self.pairs[first : first + size])) for first in range(0, len(self.pairs), size)
        )


class Backend(Protocol):
    """A scheduler, or a pool of workers on hosts."""

    name: str
    spec: WorkerSpec
    #: names of its jobs' own logs, see ``hsm_core.store.job_logs``
    logs: tuple[str, ...]

    def preview(self, tasks: Sequence[int], *, detached: bool) -> list[str]:
        """What would be submitted for these tasks, as lines to read; see ``portion``."""

    def portion(self, waiting: Sequence[Pair], *, detached: bool) -> Portion:
        """What of the waiting tasks is to be submitted next.

        Args:
            detached: nobody will be there later to submit the rest.

        Raises:
            NotNow: there is no room for more now.
        """

    def prepare(self, submission: Submission, portion: Portion) -> None:
        """Put on disk whatever the submission needs beside its record."""

    def submit(self, submission: Submission, portion: Portion) -> Handed:
        """Hand over a submission that is on disk already.

        Raises:
            NotNow, LimitReached: nothing was accepted, later it may be.
            NoAnswer: perhaps it was accepted; ``find`` knows.
            BackendError: it was not accepted; nothing of it will run.
        """

    def find(self, submission: Submission) -> Handed | None:
        """Whether a submission was accepted after all.

        Raises:
            NoAnswer: nobody knows.
        """

    def tend(self) -> None:
        """Called at each look: clean up after the dead, share out what there is."""

    def cancel(self, *, at_once: bool = False) -> None:
        """Ask all that was handed over to end; ``at_once`` kills."""

    def cancel_tasks(self, tasks: Sequence[int]) -> None:
        """See to it that these tasks, which wait, are not started; workers read requests themselves."""

    def close(self) -> None:
        """No more will be submitted: what runs, ends by itself."""

    def log_tail(self) -> str:
        """The last lines of the newest worker's own log, for messages."""

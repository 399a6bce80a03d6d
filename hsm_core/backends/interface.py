"""What every place where batches go can do, so that the conductor need not know which one it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hsm_core.model import ProcessIdentity
from hsm_core.store.submission import Submission


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
class Limits:
    """What a place takes at most; None where nothing is known to limit it.

    Args:
        slots: tasks at once.
        array_size: highest index of an array plus one.
        queued: jobs of this user at once.
    """

    slots: int | None = None
    array_size: int | None = None
    queued: int | None = None


class Backend(Protocol):
    """A scheduler, or a pool of workers on hosts."""

    name: str

    def limits(self) -> Limits:
        """What it takes at most."""

    def preview(self, tasks: int) -> list[str]:
        """What would be submitted for so many tasks, as lines to read."""

    def submit(self, submission: Submission) -> Handed:
        """Hand over a submission that is on disk already.

        Raises:
            BackendError: it was not accepted; nothing of it will run.
        """

    def poll(self) -> dict[str, str]:
        """Evidence for each native id that is certainly gone; silence means alive.

        A question that fails says nothing: the answer is empty.
        """

    def cancel(self, *, at_once: bool = False) -> None:
        """Ask all that was handed over to end; ``at_once`` kills."""

    def close(self) -> None:
        """No more will be submitted: what runs, ends by itself."""

    def log_tail(self) -> str:
        """The last lines of the newest worker's own log, for messages."""

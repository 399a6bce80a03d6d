"""Defines the interface of a batch system's dialect: submit, poll, cancel, and tell its limits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from hsm_core.errors import LimitReached, NoAnswer, NotNow, Refused
from hsm_core.model import Reason, State

__all__ = [
    "Allowed", "JobStatus", "Limit", "LimitReached", "NoAnswer", "NotNow", "Phase", "Refused", "Scheduler", "Script",
]  # fmt: skip

Phase = Literal["waiting", "running", "ended"]


@dataclass(frozen=True)
class JobStatus:
    """The scheduler's account of one job, or of one element of an array.

    Args:
        native_id: ``680_3`` or ``680``; ``12[3].server`` or ``12.server``: it starts with the job's number, which all
            elements of an array share.
        phase: ``ended`` only for a state that is known to be final; a word that we don't know is alive.
        word: the state in the scheduler's own word (``PENDING``, ``R``).
        name: the job's name, which is the submission's token.
        why: why it waits, or is stuck, in the scheduler's words.
        node: where it runs or ran.
        queue, account, qos: where it counts, as far as the scheduler says it.
        start: when it is expected to start, as the scheduler says it; empty if it says nothing.
        hopeless: it waits for what this site does not have, and will never start; ``why`` says it.
        until: what must be done before it can start, where nothing is wrong with it: ``until the partition is up``.
        remedy: a line to copy that lets it start, where its user can do that; empty if not.
        untold: it has ended, and its scheduler keeps nothing of how.
        stuck: it has ended in all but name, and stays in the queue until somebody deletes it.
        state, reason, evidence: of an ended job: what it means for a task that left no word of its own
            (``failed`` ``cancelled`` ``lost``), and what was seen.
    """

    native_id: str
    phase: Phase
    word: str
    name: str = ""
    why: str = ""
    node: str = ""
    queue: str = ""
    account: str = ""
    qos: str = ""
    start: str = ""
    state: State = "lost"
    reason: Reason = "unknown"
    evidence: str = ""
    hopeless: bool = False
    until: str = ""
    remedy: str = ""
    stuck: bool = False
    untold: bool = False


@dataclass(frozen=True)
class Limit:
    """A limit on this user's jobs, waiting and running; each element of an array counts as one.

    Args:
        most: the number of jobs.
        source: where it was read: ``QOS normal: MaxSubmitJobsPU``.
        queue, account, qos: it counts the jobs there; empty: anywhere.
    """

    most: int
    source: str
    queue: str = ""
    account: str = ""
    qos: str = ""

    def counts(self, status: JobStatus) -> bool:
        """Returns whether this job counts towards the limit."""
        places = ((self.queue, status.queue), (self.account, status.account), (self.qos, status.qos))
        return all(limited in ("", there) for limited, there in places)

    def __str__(self) -> str:
        return f"{self.source}={self.most}"


@dataclass(frozen=True)
class Allowed:
    """The limits of a scheduler; None where it has none, or does not tell.

    Args:
        array_index: highest index of an array plus one.
        array_size: elements of one array.
        limits: those on the jobs of this user.
        refusal: why no such job will ever be taken there, though it would be accepted at first; empty: it may be.
        sizes_from: where the size of arrays was read, for messages: ``MaxArraySize=1001``.
    """

    array_index: int | None = None
    array_size: int | None = None
    limits: tuple[Limit, ...] = ()
    sizes_from: str = ""
    refusal: str = ""

    @property
    def lowest(self) -> Limit | None:
        """The limit with the lowest number."""
        return min(self.limits, key=lambda limit: limit.most, default=None)

    @property
    def evidence(self) -> str:
        """The sources of these limits, for messages."""
        return ", ".join(str(part) for part in (self.sizes_from, self.lowest) if part)


@dataclass(frozen=True)
class Script:
    """A script on disk, ready to be submitted.

    Args:
        path: the script.
        cwd: where the submit command runs; the scheduler's own log of a job lands there.
        token: the job's name.
        size: elements of the array; None submits a plain job.
        throttle: elements at once; None is no limit.
    """

    path: Path
    cwd: Path
    token: str
    size: int | None = None
    throttle: int | None = None


class Scheduler(Protocol):
    """A batch system, asked by its own commands; each question has a time-out."""

    name: str
    #: why it may drop a job that it accepted, before that began; empty: it drops none
    why_dropped: str

    @property
    def throttles(self) -> bool:
        """True if an array can be told how many of its elements may run at once."""

    def submit_command(self, script: Script) -> list[str]:
        """Returns the command that submits a script."""

    def submit(self, script: Script) -> str:
        """Submits a script that is on disk.

        Returns:
            The native id of the job, or of the array as a whole.

        Raises:
            Refused, NotNow, LimitReached: nothing was accepted.
            NoAnswer: it may have been accepted: look for the token before trying again.
        """

    def find(self, token: str) -> str | None:
        """Returns the native id of the job or array with this name, waiting, running or ended; None if there is none.

        Raises:
            NoAnswer: nobody knows.
        """

    def poll(self, ids: Collection[str]) -> Mapping[str, JobStatus]:
        """Asks the scheduler once what it knows of these jobs, by element.

        Args:
            ids: of jobs and of arrays as a whole, as ``submit`` returned them.

        Returns:
            The status of each element that the scheduler still knows, waiting, running or ended; of one that
            is missing see ``unknown``. Jobs of others, and others of the user, may be among them.

        Raises:
            NoAnswer: nothing is known.
        """

    def poll_accounting(self, ids: Collection[str], since: float) -> Mapping[str, JobStatus]:
        """Asks the accounting about elements that ``poll`` no longer knows; empty where there is no accounting.

        Args:
            since: seconds since 1970, before they were submitted.

        Raises:
            NoAnswer: it should answer and did not.
        """

    def unknown(self, ids: Collection[str]) -> Collection[str]:
        """Returns which elements, missing from ``poll`` and ``poll_accounting``, the scheduler itself calls unknown.

        Its silence on a job proves nothing: the answer may be cut off, or come from elsewhere.

        Raises:
            NoAnswer: nothing is known.
        """

    def keeps_ended_s(self) -> float:
        """Returns for how many seconds it remembers an ended job: one gone sooner has not run; 0 if unknown.

        Raises:
            NoAnswer: nothing is known.
        """

    def queue(self) -> Sequence[JobStatus]:
        """Returns all jobs of this user that wait or run, by element, stuck ones included.

        Raises:
            NoAnswer: nothing is known.
        """

    def cancel(self, ids: Collection[str], *, at_once: bool = False) -> None:
        """Asks jobs, arrays or elements to end; ``at_once`` kills them. Those already gone are no error.

        Raises:
            NoAnswer: they may go on.
        """

    def is_id(self, native_id: str) -> bool:
        """Returns whether this has the form that ids of jobs, arrays and elements have here; no other is used."""

    def element(self, native_id: str, index: int) -> str:
        """Returns the native id of an array's element; ``index`` counts from 0."""

    def allowed(self, queue: str | None, account: str | None, qos: str | None) -> Allowed:
        """Returns the limits for this user there; ``qos``: on PBS, the resources that decide where a job lands.

        Raises:
            NoAnswer: nothing is known.
        """

    def throttle(self, native_id: str, elements: int) -> bool:
        """Sets how many elements of an array may run at once from now on; False if that can't be changed."""

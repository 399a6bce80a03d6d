"""The facts that are written down while a sweep runs: every kind of line of ``events/*.jsonl``.

A line is a JSON object: ``e`` (its kind), the fields of the class below under their names (but ``t`` is the number of
a task, ``a`` its attempt, ``dir`` its directory), ``at``, and last ``s``, its number in its journal. Spans of tasks
are ``[first, count, attempt]``.
"""

from __future__ import annotations

from hsm_core.model import ProcessIdentity, Reason, Span, State

from .event_codec import Event, event
from .layout import FORMAT
from .state.source_events import Fields as Fields
from .state.source_events import SourceAdded as SourceAdded
from .state.source_events import SourceStanding as SourceStanding

#: What an outcome says of an exception or a value that can't be kept, and its ``end`` line as well.
DETAILS = ("kind", "where", "trace", "warning")


@event(frozen=True)
class WorkerHead(Event, tag="worker"):
    """The first line of a worker.

    Args:
        lock: a local file that is locked while anything of the worker lives.
        log: its log, below ``logs``; empty: the one of its name.
        resources: what its job asked for.
        node: what its scheduler calls the machine, where that may not be the machine's own name.
    """

    id: str
    process: ProcessIdentity
    source: str
    native_id: str
    lock: str
    slots: int
    log: str = ""
    resources: Fields | None = None
    node: str = ""
    format: int = FORMAT


@event(frozen=True)
class Claimed(Event, tag="claim"):
    """A worker has the sole right to run these (task, attempt) pairs; ``batch``: ``launch-0/submit-1/2``."""

    batch: str
    tasks: tuple[Span, ...]


@event(frozen=True)
class Ready(Event, tag="ready"):
    """The app is imported.

    Args:
        mode: how tasks start: ``fork``, ``spawn`` or ``none``.
        threads: native threads after the import.
        seconds: how long the import took.
        notes: remarks on where its code came from.
        gpus: names of the GPUs.
        against_forks: why a task would be better off in a fresh interpreter.
    """

    launch: str
    mode: str
    threads: int
    seconds: float
    notes: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()
    against_forks: tuple[str, ...] = ()


@event(frozen=True)
class Broken(Event, tag="broken"):
    """The app can't be imported; its tasks fail with reason ``launch``."""

    launch: str
    message: str
    output: str


@event(frozen=True)
class Start(Event, tag="start"):
    """A task's directory is known and its function about to run.

    Args:
        directory: relative to the sweep if it lies in it.
        suffix: of the names of its logs, where tasks share a directory.
    """

    task: int
    attempt: int
    directory: str
    suffix: str = ""
    slot: int = 0
    pid: int = 0
    host: str = ""


@event(frozen=True)
class End(Event, tag="end"):
    """The end of an attempt.

    Args:
        state: ``completed``, ``failed`` or ``cancelled``.
        kind: the exception's class; ``where``: the place in the app that raised it.
        warning: why the returned value can't be kept.
        code, signal: how its process ended.
        wall, cpu: seconds it took.
        mem: peak memory in MiB.
        rank: the one that failed.
        limit: the task's own time limit in seconds, where that ended it.
        adopted: it was read from an outcome on disk, as the worker died before it could report.
    """

    task: int
    attempt: int
    state: State
    reason: Reason | None = None
    message: str = ""
    kind: str = ""
    where: str = ""
    trace: str = ""
    warning: str = ""
    code: int | None = None
    signal: int | None = None
    wall: float | None = None
    cpu: float | None = None
    mem: float | None = None
    rank: int = 0
    limit: float | None = None
    adopted: bool = False

    def details(self) -> dict[str, str]:
        """Returns its words on an exception, or on a value that can't be kept."""
        return {name: word for name in DETAILS if (word := getattr(self, name))}


@event(frozen=True)
class Beat(Event, tag="beat"):
    """The writer is alive, with nothing else to report."""


@event(frozen=True)
class Warned(Event, tag="warned"):
    """The scheduler says that the job's time is nearly over."""


@event(frozen=True)
class Expired(Event, tag="expired"):
    """Nothing was heard of the launcher for so many ``seconds``: the worker ends its tasks, and itself."""

    seconds: float


@event(frozen=True)
class Trouble(Event, tag="trouble"):
    """Something that tasks can't say, such as that the disk was full for a while."""

    message: str


@event(frozen=True)
class ConductorHead(Event, tag="conductor"):
    """A process takes charge of a sweep; ``by``: the command that it is, if it is not a launcher."""

    id: str
    process: ProcessIdentity
    by: str = ""
    format: int = FORMAT


@event(frozen=True)
class Submit(Event, tag="submit"):
    """A submission is about to be handed over.

    Args:
        token: the name that its job will have.
        source: what is to take it, by its name.
        each: tasks a batch; 0: all in one.
        at_once: elements of the array that may run together; None: all.
        logs: names of its jobs' own logs, see ``job_logs``.
    """

    submission: str
    token: str
    tasks: tuple[Span, ...]
    source: str
    each: int = 0
    at_once: int | None = None
    logs: tuple[str, ...] = ()


@event(frozen=True)
class HandedOver(Event, tag="handed"):
    """A submission was accepted; ``job``: a local process."""

    submission: str
    native_id: str
    job: ProcessIdentity | None = None


@event(frozen=True)
class Refusal(Event, tag="refused"):
    """A scheduler refused a submission for good; nothing of it will run.

    Args:
        submission: its name, or the one that it would have been given.
        field, choices: the launcher's field to be changed, if it is known, and values for it, the likeliest first.
    """

    submission: str
    message: str
    evidence: str = ""
    fix: str = ""
    field: str = ""
    choices: tuple[str, ...] = ()
    source: str = ""


@event(frozen=True)
class Withdrawn(Event, tag="withdrawn"):
    """A submission was not handed over after all, and nothing of it will run."""

    submission: str
    message: str


@event(frozen=True)
class Waits(Event, tag="waits"):
    """The reason why tasks are not submitted yet; it holds until something is handed over."""

    message: str


@event(frozen=True)
class Gone(Event, tag="gone"):
    """A scheduler's job has ended, and these tasks of it had not.

    Args:
        state: what becomes of those that had begun; of the others only ``cancelled`` is taken over.
        node: where it ran, if that is known.
    """

    tasks: tuple[Span, ...]
    state: State
    reason: Reason
    evidence: str
    node: str = ""


@event(frozen=True)
class Lost(Event, tag="lost"):
    """The holder of an attempt is proven dead; ``final``: it was the importer, and the worker goes on without it."""

    task: int
    attempt: int
    evidence: str
    final: bool = False


@event(frozen=True)
class Cancel(Event, tag="cancel"):
    """The attempt never started, and never will; or it was lost, and nobody is to run the task again."""

    task: int
    attempt: int


@event(frozen=True)
class Interrupted(Event, tag="interrupted"):
    """A signal ended the conductor's watching; ``how``: ``cancel``, ``kill`` or ``detach``."""

    how: str


@event(frozen=True)
class Assigned(Event, tag="batch"):
    """A batch for the worker whose inbox this is."""

    batch: str


@event(frozen=True)
class Seal(Event, tag="seal"):
    """The last line: the writer says nothing more."""

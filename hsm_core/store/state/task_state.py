"""Holds the known state of one task, and of one worker or conductor."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from hsm_core.model import ProcessIdentity, Span, State
from hsm_core.processes.identity import evidence_of_death, this_host

from ..event_codec import Event
from ..events import Broken, Cancel, ConductorHead, End, Lost, Ready, Start, WorkerHead
from .line_scan import parsed

#: Ends that each worker is asked for, to tell how fast the sweep goes.
_RECENT = 32


class TaskState:
    """A task's newest attempt, as far as it is known.

    Attributes:
        state: as the events say; see ``SweepState.state_of`` for what follows from dead workers.
        worker: who wrote ``begun``.
        last_line: the event that made the state, or its line.
        begun_line: the start, or its line.
    """

    __slots__ = ("attempt", "begun_line", "last_line", "state", "worker")

    def __init__(self, attempt: int, state: State, last: Event | bytes | None = None) -> None:
        self.attempt, self.state = attempt, state
        self.last_line = last
        self.begun_line: Event | bytes | None = None
        self.worker = ""

    @property
    def is_given_up(self) -> bool:
        """True if it is lost and its worker went on without it: their job says no more about it."""
        return self.state == "lost" and isinstance(self.last, Lost) and self.last.final

    @property
    def begun(self) -> Start | None:
        """Its start; None before the task's directory was known."""
        self.begun_line = parsed(self.begun_line)
        return self.begun_line if isinstance(self.begun_line, Start) else None

    @property
    def last(self) -> Start | End | Lost | Cancel | None:
        """The event that made the state; None if it is queued."""
        self.last_line = parsed(self.last_line)
        return self.last_line if isinstance(self.last_line, (Start, End, Lost, Cancel)) else None

    @property
    def end(self) -> End | None:
        """Its end, by its worker's own word."""
        last = self.last
        return last if isinstance(last, End) else None

    @property
    def warning(self) -> str:
        """The worker's remark on one that completed; lines without such a word are not parsed for it."""
        if self.state != "completed" or (isinstance(self.last_line, bytes) and b'"warning"' not in self.last_line):
            return ""
        return self.end.warning if self.end else ""


@dataclass
class WriterState:
    """A worker or conductor, by its own words."""

    name: str
    head: WorkerHead | ConductorHead | None = None
    sealed: bool = False
    last_at: float = 0.0
    broken: Broken | None = None
    ready: Ready | None = None
    trouble: str = ""
    waits: str = ""
    #: Of which submission it claimed which attempts.
    claimed: list[tuple[str, Span]] = field(default_factory=list)
    #: When something new of it was read, by our monotonic clock.
    heard_at: float = field(default_factory=time.monotonic)
    #: The last ends, some of them as lines.
    ends: deque[Event | bytes] = field(default_factory=lambda: deque(maxlen=_RECENT))

    @property
    def as_worker(self) -> WorkerHead | None:
        """Its first line; None of a conductor, and of one whose first line is damaged."""
        return self.head if isinstance(self.head, WorkerHead) else None

    @property
    def host(self) -> str:
        """Where it runs; empty if its first line is damaged."""
        return self.head.process.host if self.head else ""

    @property
    def native_id(self) -> str:
        """The id of the job that a worker runs in; empty if it runs in none."""
        return self.as_worker.native_id if self.as_worker else ""

    @property
    def is_here(self) -> bool:
        """True if it runs on this machine, as far as its host's name says."""
        return self.host == this_host()

    @property
    def identity(self) -> ProcessIdentity | None:
        return self.head.process if self.head else None

    def death(self) -> str | None:
        """Returns evidence that it is gone; None if it lives, ended properly or cannot be judged from here."""
        if self.sealed or self.head is None:
            return None
        return evidence_of_death(self.head.process, self.as_worker.lock if self.as_worker else "")

    def recent_ends(self) -> list[float]:
        """Returns when its last tasks ended, by its own clock; not more than the last 32."""
        return [end.at for line in self.ends if (end := parsed(line)) and end.at]

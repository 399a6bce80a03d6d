"""What is known of one task, and of one worker or conductor."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from hsm_core.model import ProcessIdentity, Span, State
from hsm_core.processes.identity import evidence_of_death, identity_in, this_host

from .event_scan import Line, parse

#: Ends that each worker is asked for, to tell how fast the sweep goes.
_RECENT = 32


class TaskState:
    """What is known of a task's newest attempt.

    Attributes:
        state: as the events say; see ``SweepState.state_of`` for what follows from dead workers.
        worker: who wrote ``begun``.
    """

    __slots__ = ("attempt", "begun_line", "last_line", "state", "worker")

    def __init__(self, attempt: int, state: State, last: Line | bytes | None = None) -> None:
        self.attempt, self.state = attempt, state
        self.last_line = last
        self.begun_line: Line | bytes | None = None
        self.worker = ""

    @property
    def is_given_up(self) -> bool:
        """Lost, and its worker went on without it: what becomes of their job says no more about it."""
        return self.state == "lost" and bool((self.last or {}).get("final"))

    @property
    def begun(self) -> Line | None:
        """The ``start`` line; None before the task's directory was known."""
        if self.begun_line is not None:
            self.begun_line = parse(self.begun_line)
        return self.begun_line

    @property
    def last(self) -> Line | None:
        """The line that made the state."""
        if self.last_line is not None:
            self.last_line = parse(self.last_line)
        return self.last_line

    def says(self, word: str) -> bool:
        """False where the line that made the state has surely no such key; without reading it for that."""
        line = self.last_line
        return line is not None and (f'"{word}"'.encode() in line if isinstance(line, bytes) else word in line)


@dataclass
class WriterState:
    """A worker or conductor, by its own words."""

    name: str
    head: Line = field(default_factory=dict)
    sealed: bool = False
    last_at: float = 0.0
    broken: Line | None = None
    ready: Line | None = None
    trouble: str = ""
    waits: str = ""
    #: Of which submission it claimed which attempts.
    claimed: list[tuple[str, Span]] = field(default_factory=list)
    #: When something new of it was read, by our monotonic clock.
    heard_at: float = field(default_factory=time.monotonic)
    #: The last ``end`` lines, some of them unparsed.
    ends: deque[Line | bytes] = field(default_factory=lambda: deque(maxlen=_RECENT))

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine, as far as its host's name says."""
        return self.head.get("host") == this_host()

    @property
    def identity(self) -> ProcessIdentity | None:
        return identity_in(self.head)

    def death(self) -> str | None:
        """Evidence that it is gone; None if it lives, ended properly or cannot be judged from here."""
        identity = self.identity
        if self.sealed or identity is None:
            return None
        return evidence_of_death(identity, str(self.head.get("lock") or ""))

    def recent_ends(self) -> list[float]:
        """When its last tasks ended, by its own clock; not more than the last 32."""
        return [float(at) for end in self.ends if (at := parse(end).get("at"))]

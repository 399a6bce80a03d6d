"""Defines a machine where commands run and files lie: this one, or one that is reached through a connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hsm_core.model import ProcessIdentity


@dataclass(frozen=True)
class Done:
    """How a command ended; ``code`` None means that it was killed after its time-out."""

    argv: tuple[str, ...]
    code: int | None
    out: str
    err: str

    @property
    def evidence(self) -> str:
        """Returns the command, its exit code and its last words on one line."""
        how = "did not end in time" if self.code is None else f"exit code {self.code}"
        said = " ".join((self.err.strip() or self.out.strip())[-400:].split())
        return f"{self.argv[0]}: {how}" + (f": {said}" if said else "")


@dataclass
class Patience:
    """How long a user waits for commands; given to a host by whoever shows what goes on.

    Commands may run in several threads, and call both of these there.

    Args:
        presses: how often the user has asked to leave; as that grows, a command that runs has little time left.
        say: told once of each command that is slow, by its name.
    """

    presses: Callable[[], int] = lambda: 0
    say: Callable[[str], object] = lambda _: None
    told: set[str] = field(default_factory=set)

    @contextmanager
    def of(self, presses: Callable[[], int], say: Callable[[str], object]) -> Iterator[None]:
        """Has this user wait for what runs within; afterwards nobody waits."""
        self.presses, self.say, self.told = presses, say, set()
        try:
            yield
        finally:
            usual = Patience()
            self.presses, self.say = usual.presses, usual.say


class Host(Protocol):
    """Runs commands, reads files, starts processes that live on; its contract is ``hsm_core.testing.host``."""

    @property
    def name(self) -> str:
        """Returns the name by which ``hsm_core.hosts.registry`` finds it again, also from another process."""

    @property
    def user(self) -> str:
        """Returns the user whom commands run as: the login name, or the number of a user without one."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Returns the variables that a command gets unless it is given others."""

    def which(self, command: str) -> str | None:
        """Returns the path of a command; None if there is none of this name."""

    def run(
        self, argv: Sequence[str], timeout_s: float, *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> Done:
        """Runs a command to its end, without input; one that does not end in time is killed with all it started.

        Args:
            timeout_s: seconds; less once the user's patience is over.
            env: all its variables; None: those of ``environment``.

        Raises:
            OSError: it can't be started, or the host can't be reached.
        """

    def start(self, argv: Sequence[str], env: Mapping[str, str], log: Path) -> ProcessIdentity:
        """Starts a process that lives on without us, its output appended to ``log``.

        Raises:
            ChildProcessError: it exited at once.
            OSError: it can't be started.
        """

    def signal(self, process: ProcessIdentity, number: int) -> None:
        """Sends a signal to a process, if that still lives."""

    def evidence_of_death(self, process: ProcessIdentity) -> str | None:
        """Returns why a process is certainly dead, or None: it lives, or nobody can know."""

    def end_leftovers(self, journal: Path) -> list[int]:
        """Kills what a dead worker left running; returns the processes that were killed.

        Args:
            journal: the worker's; its first line says which process it is.
        """

    def read(self, path: Path, offset: int = 0, size: int = -1) -> bytes:
        """Returns the bytes of a file from ``offset`` on.

        Args:
            size: at most so many; -1: all.

        Raises:
            OSError: it can't be read.
        """

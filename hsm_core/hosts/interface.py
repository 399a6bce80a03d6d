"""Defines a machine where commands run and files lie: this one, or one that is reached through a connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

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
        """Returns the command, its exit code and its last lines, as one line."""
        how = "did not end in time" if self.code is None else f"exit code {self.code}"
        lines = (self.err.strip() or self.out.strip())[-400:].splitlines()
        said = "; ".join(" ".join(line.split()) for line in lines if line.strip())
        return f"{self.argv[0]}: {how}" + (f": {said}" if said else "")


#: Seconds that a command is still given once its user wants to leave.
LEAVING_S = 3.0
#: Seconds after which its user is told what is waited for.
SLOW_S = 10.0

Kind = Literal["file", "folder", "link"]


@dataclass(frozen=True)
class Found:
    """Something that lies in a folder of a host.

    Args:
        name: relative to that folder.
        size: bytes of a file, else 0.
        changed_ns: when its content changed, by the host's clock.
        mode: permission bits.
        target: where a link leads, as it says itself.
    """

    name: Path
    kind: Kind
    size: int
    changed_ns: int
    mode: int
    target: str = ""


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


class Wait:
    """Tells how long a command still has, by its limit and by its user's patience.

    Args:
        name: of the command, for a user who waits long.
        timeout_s: seconds that it has in all.
    """

    def __init__(self, user: Patience, name: str, timeout_s: float) -> None:
        self._user, self._name, self._timeout_s = user, name, timeout_s
        self._began, self._presses = time.monotonic(), user.presses()
        self._deadline = self._began + timeout_s
        self.is_hurried = False

    def left(self) -> float:
        """Returns the seconds that are left, 0 or more; tells the user once of what is slow."""
        now = time.monotonic()
        if not self.is_hurried and self._user.presses() > self._presses:
            self.is_hurried, self._deadline = True, min(self._deadline, now + LEAVING_S)
        if now - self._began > SLOW_S and self._name not in self._user.told:
            self._user.told.add(self._name)
            self._user.say(
                f"waiting for {self._name}: no answer for {SLOW_S:.0f} s (limit {self._timeout_s:.0f} s)"
            )
        return max(0.0, self._deadline - now)


class Host(Protocol):
    """Runs commands, reads and writes files, starts processes that live on.

    Its contract is ``hsm_core.testing.host``.
    """

    @property
    def name(self) -> str:
        """Returns the name by which ``hsm_core.hosts.registry`` finds it again, also from another process."""

    @property
    def settings(self) -> Mapping[str, str]:
        """Returns what the registry needs beside the name to find it again; no secret. Nothing is asked for it."""

    @property
    def user(self) -> str:
        """Returns the user whom commands run as: the login name, or the number of a user without one."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Returns the variables that a command gets unless it is given others."""

    def which(self, command: str) -> str | None:
        """Returns the path of a command; None if there is none of this name."""

    def run(
        self, argv: Sequence[str], timeout_s: float, *, cwd: Path | None = None, env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Done:  # fmt: skip
        """Runs a command to its end; one that does not end in time is killed with all it started.

        Args:
            timeout_s: seconds; less once the user's patience is over.
            env: all its variables; None: those of ``environment``.
            stdin: what it reads.

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

    def write(self, path: Path, data: bytes) -> None:
        """Writes a whole file: readers see the old one or the new one. Makes its folders; only the user may read it.

        Raises:
            OSError: it can't be written; the old one is still there.
        """

    def append(self, path: Path, offset: int, data: bytes) -> None:
        """Appends to a file that has ``offset`` bytes. The same call once more, after an error, writes nothing twice.

        Raises:
            OSError: it can't be written, or not all of it.
            ValueError: the file has other bytes there.
        """

    def overwrite(self, path: Path, data: bytes) -> None:
        """Writes over the first bytes of a file in place, which takes no room on a full disk.

        Raises:
            OSError: it can't be written.
            ValueError: it is shorter than the data.
        """

    def clock(self) -> float:
        """Returns the seconds since the machine's boot, by its own clock, those asleep included.

        Raises:
            OSError: it can't be reached.
        """

    def files(self, folder: Path) -> list[Found]:
        """Lists what lies in a folder and below it, without following links.

        Raises:
            OSError: it can't be read.
        """

    def push(self, copies: Mapping[Path, Path]) -> None:
        """Copies files from this machine to the host; each appears complete, with its owner's permissions only.

        Args:
            copies: by the path here, the path there; folders are made.

        Raises:
            OSError: a file can't be copied; some may have been.
        """

    def pull(self, copies: Mapping[Path, Path]) -> None:
        """Copies files from the host to this machine; each appears complete.

        Args:
            copies: by the path there, the path here; folders are made.

        Raises:
            OSError: a file can't be copied, or changed meanwhile; some may have been copied.
        """

    def close(self) -> None:
        """Ends what ``run`` still runs, and the connection; what was started lives on."""

"""Of processes that one command started side by side (torchrun, mpirun, srun), the first launches; the others wait.

The first one says in a file of the user's own folder that it is there, and how its sweep ended. The others need a
witness to give up: that process is gone, or its word is old, or it never came.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hydra.experimental.callback import Callback
from hydra.types import HydraContext

from hsm_core.detect.launch_group import LaunchGroup, launch_group, of_groups
from hsm_core.model import ProcessIdentity
from hsm_core.processes.identity import evidence_of_death, start_of, this_host, this_process
from hsm_core.safe_open import make_directory
from hsm_core.store.files import nonce, read_json, to_json, write_atomically
from hsm_core.store.layout import state_home
from hsm_core.text import tell

#: Seconds between two beats of the first process, and without one until it is given up from another machine.
BEAT_S, STALE_S = 10.0, 120.0
#: Seconds until the first process must have come: it may import slowly, from a busy disk.
PATIENCE_S = 600.0
_POLL_S = 0.2
#: Seconds by which a word may be older than the process that reads it, on this machine and from another.
_SKEW_S, _CLOCKS_S = 0.02, 60.0
_WEEK_S = 7 * 86_400.0


@dataclass(frozen=True)
class _Word:
    """The words of the first process in its file.

    Args:
        code: the exit code of its sweep; None before its end.
        token: its own, so that a word of another group's is told from it.
        said_at: seconds since 1970.
    """

    process: ProcessIdentity
    code: int | None
    token: str
    said_at: float

    @classmethod
    def of(cls, found: Mapping[str, object]) -> _Word:
        host, boot, pid, start, token, said = (
            str(found[name]) for name in ("host", "boot", "pid", "start", "token", "said")
        )
        code = None if found["code"] is None else int(str(found["code"]))
        return cls(ProcessIdentity(host, boot, int(pid), start), code, token, float(said))

    def is_over(self) -> bool:
        """Whether the sweep has ended, or can't go on."""
        return self.code is not None or evidence_of_death(self.process) is not None


class FirstRank:
    """The first process' word to the others.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._me, self._token = path, this_process(), nonce()
        self._code: int | None = None
        self._is_over = threading.Event()
        self._say(None)
        atexit.register(self._leave)
        threading.Thread(target=self._beat, name="first-rank", daemon=True).start()

    def ended(self, code: int) -> None:
        """The sweep ended well (0), or not."""
        self._say(code)

    def will_exit(self, code: object) -> None:
        """The process ends with this code, whatever follows."""
        self._code = code if isinstance(code, int) else 0 if code is None else 1

    def _leave(self) -> None:
        """At the end of the process: without a better word, its sweep did not end well."""
        if os.getpid() == self._me.pid and not self._is_over.is_set():
            self._say(1 if self._code is None else self._code)

    def _say(self, code: int | None) -> None:
        if code is not None:
            self._is_over.set()
        said = {**asdict(self._me), "token": self._token, "said": time.time(), "code": code}
        write_atomically(self._path, to_json(said))

    def _beat(self) -> None:
        while not self._is_over.wait(BEAT_S):
            with contextlib.suppress(OSError):
                os.utime(self._path)


class EndOfSweep(Callback):
    """Hears from Hydra that a sweep ended; in tasks it is a callback like any other, and does nothing.

    Since 1.4 Hydra tells it of a sweep that raised, too, and then with the exception on its way.
    """

    def __init__(self, first: FirstRank) -> None:
        self._first = first

    def on_multirun_end(self, config: object, **kwargs: object) -> None:
        raised = sys.exc_info()[1]
        if raised is None:
            self._first.ended(0)
        elif isinstance(raised, SystemExit):
            self._first.will_exit(raised.code)

    def __reduce__(self) -> tuple[object, ...]:
        return Callback, ()


def lead_or_wait(context: HydraContext) -> FirstRank | None:
    """Launch, or wait for the process that does and exit as it did.

    Whoever launches is one of a group no longer, and neither is what it starts.

    Args:
        context: Hydra's, which tells its callbacks of the sweep's end.

    Returns:
        the word to the others; None for a process that was started alone.

    Raises:
        SystemExit: the sweep of the first process has ended.
        OSError: the user's folder can't be written.
    """
    group = launch_group(os.environ, this_host())
    if group is None:
        return None
    path = _facts_of(group.key)
    if group.rank:
        sys.exit(_waited(group, path))
    for name in of_groups(os.environ):
        del os.environ[name]
    make_directory(path.parent, 0o700)
    _forget_old(path.parent)
    first = FirstRank(path)
    context.callbacks.callbacks.append(EndOfSweep(first))
    return first


def _waited(group: LaunchGroup, path: Path) -> int:
    """The exit code of the first process' sweep; 1 where there is none to be had."""
    who = f"rank {group.rank} of {group.size} under {group.starter}"
    tell(f"hsm: {who}: rank 0 runs the sweep, this rank waits until it ends")
    try:
        found = Waiting(path, PATIENCE_S).wait()
    except KeyboardInterrupt:
        return 130
    if isinstance(found, int):
        return found
    tell(f"error: {who}: {found}")
    return 1


class Waiting:
    """Waits for the first process.

    Args:
        patience_s: how long until it must have come.
    """

    def __init__(self, path: Path, patience_s: float) -> None:
        self._path, self._until = path, time.monotonic() + patience_s
        self._born, self._parent = _born(), os.getppid()
        self._token = ""  # nosec B105  # says whose message it is, no password
        self._beat, self._heard = 0.0, time.monotonic()

    def wait(self) -> int | str:
        """The code that the first process said, or why there is none."""
        while True:
            found = self.outcome()
            if found is not None:
                return found
            time.sleep(_POLL_S)

    def outcome(self) -> int | str | None:
        """The code that the first process said, or why there will be none; None while it is waited for."""
        said = self._read()
        if said is None:
            return self._never_came()
        if said.code is not None:
            return said.code
        dead = evidence_of_death(said.process)
        if dead:  # its last word may have come just now
            said = self._read() or said
            return f"rank 0 ended without reporting its result: {dead}" if said.code is None else said.code
        if said.process.host != this_host() and self._is_silent():
            return f"nothing from rank 0 on {said.process.host} for {STALE_S:.0f} s ({self._path})"
        return None

    def _never_came(self) -> str | None:
        if os.getppid() != self._parent:
            return "the process that started it has ended, and rank 0 reported nothing"
        if time.monotonic() > self._until:
            return (
                f"rank 0 has reported nothing in {self._path}. Do its machine and this one share that folder?\n"
                "  fix: start the sweep once, without torchrun, mpirun or srun"
            )
        return None

    def _read(self) -> _Word | None:
        """The word of this group's first process; None if there is none yet, or only that of an earlier group."""
        try:
            said = _Word.of(read_json(self._path))
        except (OSError, ValueError):
            return None
        skew = _SKEW_S if said.process.host == this_host() else _CLOCKS_S
        if said.token != self._token and said.said_at < self._born - skew and said.is_over():
            return None
        self._token = said.token
        return said

    def _is_silent(self) -> bool:
        """By this process' own clock: those of two machines differ."""
        with contextlib.suppress(OSError):
            beat = self._path.stat().st_mtime
            if beat != self._beat:
                self._beat, self._heard = beat, time.monotonic()
        return time.monotonic() - self._heard > STALE_S


def _born() -> float:
    """When this process began, in seconds since 1970 (proc(5)); where the system does not tell, some seconds ago."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return time.time() - 10
    since_boot = float(start_of(os.getpid()) or 0) / os.sysconf("SC_CLK_TCK")
    return time.time() - (time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot)


def _forget_old(folder: Path) -> None:
    for path in folder.glob("*.json"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - _WEEK_S:
                path.unlink()


def _facts_of(group: str) -> Path:
    """Returns the file in which the first of several processes started together tells the others of its sweep."""
    return state_home() / "ranks" / f"{group}.json"

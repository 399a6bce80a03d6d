"""Runs a command to its end, with a time-out, and never leaves it behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

#: Seconds that a command is still given once its user wants to leave.
LEAVING_S = 3.0
#: Seconds after which its user is told what is waited for.
SLOW_S = 10.0
#: Seconds between two looks whether the user wants to leave.
_LOOK_EVERY_S = 0.25


@dataclass(frozen=True)
class _User:
    """Whoever waits for a command; ``told`` of these by their names."""

    wants_to_leave: Callable[[], bool] = lambda: False
    say: Callable[[str], None] = lambda _: None
    told: set[str] = field(default_factory=set)


_user: ContextVar[_User | None] = ContextVar("user", default=None)


@dataclass(frozen=True)
class Done:
    """How a command ended; ``code`` None: it was killed after its time-out."""

    argv: tuple[str, ...]
    code: int | None
    out: str
    err: str

    @property
    def evidence(self) -> str:
        """The command, how it ended and what it said last, on one line."""
        how = "did not end in time" if self.code is None else f"exit code {self.code}"
        said = " ".join((self.err.strip() or self.out.strip())[-400:].split())
        return f"{self.argv[0]}: {how}" + (f": {said}" if said else "")


def run(
    argv: Sequence[str],
    timeout_s: float,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Done:
    """Run a command; one that does not end in time is killed and reaped before this returns.

    Once a user who waits for it (``waited_for``) wants to leave, its time is over soon.

    Raises:
        OSError: it can't be started.
    """
    process = subprocess.Popen(
        list(argv), cwd=cwd, env=None if env is None else dict(env), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        out, err = _communicate(process, argv[0], timeout_s)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # a wrapper's child too: afterwards nothing more is sent
        process.wait()
        out, err = _what_came(process)
        code = None
    return Done(tuple(argv), code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


@contextmanager
def waited_for(wants_to_leave: Callable[[], bool], say: Callable[[str], None]) -> Iterator[None]:
    """Somebody waits for what runs within.

    Args:
        wants_to_leave: asked now and then.
        say: told once of each command that is slow.
    """
    token = _user.set(_User(wants_to_leave, say))
    try:
        yield
    finally:
        _user.reset(token)


def _communicate(process: subprocess.Popen[bytes], name: str, timeout_s: float) -> tuple[bytes, bytes]:
    """
    Raises:
        subprocess.TimeoutExpired: it did not end in time.
    """
    user, began = _user.get() or _User(), time.monotonic()
    deadline, is_hurried = began + timeout_s, False
    while True:
        now = time.monotonic()
        if not is_hurried and user.wants_to_leave():
            is_hurried, deadline = True, min(deadline, now + LEAVING_S)
        if now - began > SLOW_S and name not in user.told:
            user.told.add(name)
            user.say(f"waiting for {name}: no answer for {SLOW_S:.0f} s (limit {timeout_s:.0f} s)")
        try:
            return process.communicate(timeout=max(0.0, min(deadline - now, _LOOK_EVERY_S)))
        except subprocess.TimeoutExpired:
            if time.monotonic() >= deadline:
                raise


def _what_came(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """What a killed command had said; one that left its group and holds its pipes is not waited for."""
    try:
        return process.communicate(timeout=1)
    except subprocess.TimeoutExpired as error:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        return error.stdout or b"", error.stderr or b""

"""Runs a command to its end, with a time-out, and never leaves it behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

#: Seconds that a command is still given once its user wants to leave.
LEAVING_S = 3.0
#: Seconds between two looks whether that is so.
_LOOK_EVERY_S = 0.25
_wants_to_leave: ContextVar[Callable[[], bool]] = ContextVar("wants_to_leave", default=lambda: False)


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

    Once the user wants to leave (``hurried``), its time is over soon.

    Raises:
        OSError: it can't be started.
    """
    process = subprocess.Popen(
        list(argv), cwd=cwd, env=None if env is None else dict(env), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        out, err = _communicate(process, time.monotonic() + timeout_s)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # a wrapper's child too: afterwards nothing more is sent
        process.wait()
        out, err = _what_came(process)
        code = None
    return Done(tuple(argv), code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


@contextmanager
def hurried(wants_to_leave: Callable[[], bool]) -> Iterator[None]:
    """What runs within does not keep somebody waiting who wants to leave."""
    token = _wants_to_leave.set(wants_to_leave)
    try:
        yield
    finally:
        _wants_to_leave.reset(token)


def _communicate(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes]:
    """
    Raises:
        subprocess.TimeoutExpired: it did not end in time.
    """
    is_hurried = False
    while True:
        if not is_hurried and _wants_to_leave.get()():
            is_hurried, deadline = True, min(deadline, time.monotonic() + LEAVING_S)
        left = deadline - time.monotonic()
        try:
            return process.communicate(timeout=max(0.0, min(left, _LOOK_EVERY_S)))
        except subprocess.TimeoutExpired:
            if left <= _LOOK_EVERY_S:
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

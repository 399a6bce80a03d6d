"""Runs a command to its end, with a time-out, and never leaves it behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


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

    Raises:
        OSError: it can't be started.
    """
    process = subprocess.Popen(
        list(argv), cwd=cwd, env=None if env is None else dict(env), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=timeout_s)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # a wrapper's child too: afterwards nothing more is sent
        process.wait()
        out, err = _what_came(process)
        code = None
    return Done(tuple(argv), code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


def _what_came(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """What a killed command had said; one that left its group and holds its pipes is not waited for."""
    try:
        return process.communicate(timeout=1)
    except subprocess.TimeoutExpired as error:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        return error.stdout or b"", error.stderr or b""

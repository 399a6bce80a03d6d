"""Runs commands and reads files on this machine."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hsm_core.model import ProcessIdentity
from hsm_core.processes.dead_workers import end_leftovers
from hsm_core.processes.identity import evidence_of_death, identify

from .interface import Done, Patience

#: Seconds that a command is still given once its user wants to leave.
LEAVING_S = 3.0
#: Seconds after which its user is told what is waited for.
SLOW_S = 10.0
#: Seconds between two checks whether the user wants to leave.
_LOOK_EVERY_S = 0.25


class LocalHost:
    """This machine.

    Args:
        patience: of who waits for its commands; None: nobody does.
    """

    name = "local"

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def user(self) -> str:
        try:
            return pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            return str(os.geteuid())

    @property
    def environment(self) -> Mapping[str, str]:
        return os.environ

    def which(self, command: str) -> str | None:
        return shutil.which(command)

    def run(
        self, argv: Sequence[str], timeout_s: float, *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> Done:
        process = subprocess.Popen(
            list(argv), cwd=cwd, env=None if env is None else dict(env), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            out, err = self._communicate(process, argv[0], timeout_s)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # a wrapper's child too: afterwards nothing more is sent
            process.wait()
            out, err = _printed(process)
            code = None
        return Done(tuple(argv), code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    def start(self, argv: Sequence[str], env: Mapping[str, str], log: Path) -> ProcessIdentity:
        with open(log, "ab") as stream:
            process = subprocess.Popen(
                list(argv), env=dict(env), stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
                start_new_session=True,
            )  # fmt: skip
        self._children[process.pid] = process
        try:
            return identify(process.pid)
        except ProcessLookupError as error:
            raise ChildProcessError(f"it exited immediately with code {process.wait()}") from error

    def signal(self, process: ProcessIdentity, number: int) -> None:
        if evidence_of_death(process) is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)

    def evidence_of_death(self, process: ProcessIdentity) -> str | None:
        child = self._children.get(process.pid)
        if child is not None:
            child.poll()  # else it would stay a zombie
        evidence = evidence_of_death(process)
        if evidence is not None and child is not None:
            del self._children[process.pid]
            child.wait()
        return evidence

    def end_leftovers(self, journal: Path) -> list[int]:
        return end_leftovers(journal)

    def read(self, path: Path, offset: int = 0, size: int = -1) -> bytes:
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(size)

    def _communicate(self, process: subprocess.Popen[bytes], name: str, timeout_s: float) -> tuple[bytes, bytes]:
        """Waits for a command as long as its user does.

        Raises:
            subprocess.TimeoutExpired: it did not end in time.
        """
        user, began = self._patience, time.monotonic()
        deadline, before, is_hurried = began + timeout_s, user.presses(), False
        while True:
            now = time.monotonic()
            if not is_hurried and user.presses() > before:
                is_hurried, deadline = True, min(deadline, now + LEAVING_S)
            if now - began > SLOW_S and name not in user.told:
                user.told.add(name)
                user.say(f"waiting for {name}: no answer for {SLOW_S:.0f} s (limit {timeout_s:.0f} s)")
            try:
                return process.communicate(timeout=max(0.0, min(deadline - now, _LOOK_EVERY_S)))
            except subprocess.TimeoutExpired:
                if time.monotonic() >= deadline:
                    raise


def _printed(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Returns what a killed command had printed, without waiting for one that left its group and holds its pipes."""
    try:
        return process.communicate(timeout=1)
    except subprocess.TimeoutExpired as error:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        return error.stdout or b"", error.stderr or b""

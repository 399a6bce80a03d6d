"""Runs commands, reads and writes files on this machine."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from hsm_core.model import ProcessIdentity
from hsm_core.processes.dead_workers import end_leftovers
from hsm_core.processes.identity import boot_clock, evidence_of_death, identify
from hsm_core.safe_open import append_to

from .files import append_at, finish_part, found_below, make_folder, overwrite, part_of, write_whole
from .interface import Done, Found, Patience, Wait

#: Seconds between two checks whether the user wants to leave.
_CHECK_EVERY_S = 0.25


class LocalHost:
    """This machine.

    Args:
        patience: of who waits for its commands; None: nobody does.
    """

    name = "local"
    settings: Mapping[str, str] = MappingProxyType({})

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._running: set[subprocess.Popen[bytes]] = set()

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
        self, argv: Sequence[str], timeout_s: float, *, cwd: Path | None = None, env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Done:  # fmt: skip
        process = subprocess.Popen(
            list(argv), cwd=cwd, env=None if env is None else dict(env),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self._running.add(process)
        try:
            out, err = self._communicate(process, argv[0], timeout_s, stdin)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            _kill(process)  # a wrapper's child too: afterwards nothing more is sent
            out, err = _printed(process)
            code = None
        finally:
            self._running.discard(process)
        return Done(tuple(argv), code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    def start(self, argv: Sequence[str], env: Mapping[str, str], log: Path) -> ProcessIdentity:
        with append_to(log) as stream:
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

    def write(self, path: Path, data: bytes) -> None:
        write_whole(path, data)

    def append(self, path: Path, offset: int, data: bytes) -> None:
        append_at(path, offset, data)

    def overwrite(self, path: Path, data: bytes) -> None:
        overwrite(path, data)

    def clock(self) -> float:
        return boot_clock()

    def files(self, folder: Path) -> list[Found]:
        return list(found_below(folder))

    def push(self, copies: Mapping[Path, Path]) -> None:
        for here, there in copies.items():
            _copy(here, there)

    def pull(self, copies: Mapping[Path, Path]) -> None:
        self.push(copies)

    def close(self) -> None:
        for process in list(self._running):
            if process.poll() is None:
                _kill(process)

    def _communicate(
        self, process: subprocess.Popen[bytes], name: str, timeout_s: float, stdin: bytes
    ) -> tuple[bytes, bytes]:
        """Waits for a command as long as its user does.

        Raises:
            subprocess.TimeoutExpired: it did not end in time.
        """
        wait, sent = Wait(self._patience, name, timeout_s), stdin or None
        while True:
            left = wait.left()
            try:
                return process.communicate(sent, timeout=min(left, _CHECK_EVERY_S))
            except subprocess.TimeoutExpired:
                sent = None  # subprocess keeps what it has not sent yet
                if not left:
                    raise


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _copy(source: Path, target: Path) -> None:
    make_folder(target.parent)
    part = part_of(target)
    try:
        shutil.copyfile(source, part)
        part.chmod(source.stat().st_mode & 0o700)
        finish_part(part, target, source.stat().st_size)
    finally:
        part.unlink(missing_ok=True)


def _printed(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Returns what a killed command had printed, without waiting for one that left its group and holds its pipes."""
    try:
        return process.communicate(timeout=1)
    except subprocess.TimeoutExpired as error:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        return error.stdout or b"", error.stderr or b""

"""Keeps the processes in which tasks run: an importer that forks, a fresh process a task, or some that stay."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from hsm_core.errors import StoreError
from hsm_core.model import Isolation
from hsm_core.processes.dead_workers import MARK
from hsm_core.processes.lock import Lock
from hsm_core.safe_open import append_to
from hsm_core.store.files import read_own_json
from hsm_core.store.submission import WorkerSpec

from ..os import threads
from ..os.processes import kill_children
from ..os.usage import measured
from ..protocol import ENTRY, Channel, Message, Order, channel_pair, hang_up

Mode = Literal["fork", "spawn", "none"]
_WORDS: dict[Mode, str] = {"fork": "fork", "spawn": "only", "none": "here"}


def _flags(boot: Path) -> list[str]:
    """Returns options of the app's interpreter, such as ``-O``; whoever loads the file reports what is wrong."""
    try:
        return [str(flag) for flag in read_own_json(boot).get("flags", ())]
    except (OSError, ValueError, StoreError):
        return []


class Importer:
    """A process that has, or will have, the app imported.

    Attributes:
        mode: how attempts run in it; None until it has said how many threads it has.
        dismissed: it gets no more attempts, and ends when its channel is closed.
        keys: attempts that run in it or in its children.
        log_offset: where its output begins in the worker's log.
    """

    def __init__(self, boot: Path, environ: dict[str, str], lock: int, log: Path, mode: Mode | None) -> None:
        self.boot, self.mode = boot, mode
        self.is_ready = self.dismissed = False
        self.keys: set[str] = set()
        self.log_offset = log.stat().st_size
        self.channel, theirs = channel_pair()
        descriptor = theirs.socket.fileno()
        forks = "forks" if mode in (None, "fork") else "runs"
        words = ["import", str(descriptor), str(lock), str(boot), forks]
        with append_to(log) as stream:
            self._process = subprocess.Popen(
                [sys.executable, *_flags(boot), str(ENTRY), *words], env=environ, stdin=subprocess.DEVNULL,
                stdout=stream, stderr=stream, pass_fds=(descriptor, lock), start_new_session=True,
            )  # fmt: skip
        theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def can_take(self) -> bool:
        """Returns whether it will take another attempt, now or as soon as it is ready."""
        return not self.dismissed and (self.mode in (None, "fork") or not self.keys)

    def order(self, order: Order, connection: Channel) -> None:
        """Hands over an attempt with its end of a channel."""
        assert self.mode is not None
        self.keys.add(order.key)
        self.dismissed = self.mode == "spawn"
        self.channel.send({"ask": _WORDS[self.mode], "order": order.to_json()}, connection.socket.fileno())
        connection.close()

    def reap(self) -> Message | None:
        """Returns how the process ended, as the kernel says; None while it lives."""
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        if not pid:
            return None
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return measured(status, usage)

    def kill(self) -> None:
        """Ends the process at once."""
        self._process.kill()


class ImporterPool:
    """Finds a process for an attempt.

    Args:
        lock: what everything of this worker holds.
        log: the worker's log.
        hear: called with what an importer says.
    """

    def __init__(
        self, spec: WorkerSpec, lock: Lock, log: Path, selector: selectors.BaseSelector,
        hear: Callable[[Importer, Message], None],
    ) -> None:  # fmt: skip
        self._spec, self._lock, self._log = spec, lock, log
        self._selector, self._tell = selector, hear
        self.importers: list[Importer] = []
        self._mode: Mode | None = None if spec.isolation == "auto" else spec.isolation

    @property
    def pids(self) -> set[int]:
        return {importer.pid for importer in self.importers}

    def ready_for(self, boot: Path) -> Importer | None:
        """Returns an importer of this payload that can take an attempt now; None if there is none."""
        found = (one for one in self.importers if one.boot == boot and one.can_take and one.is_ready)
        return next(found, None)

    def expect_one(self) -> None:
        """Notes that there is only one attempt: if we may choose, it runs in the process that imports the app."""
        self._mode = self._mode or "spawn"

    def supply(self, boot: Path, wanted: int) -> None:
        """Starts importers until ``wanted`` attempts can run, now or soon; one that forks is enough."""
        coming = sum(one.boot == boot and one.can_take for one in self.importers)
        for _ in range((1 if self._mode in (None, "fork") else wanted) - coming):
            self._start(boot)

    def note_ready(self, importer: Importer, message: Message) -> None:
        """Notes that an importer is ready; lets it go if ``auto`` finds it unfit for forks."""
        importer.is_ready = True
        if importer.mode in (None, "fork"):
            fit = not message["found"].get("against_forks")
            importer.mode = self._mode = choose_mode(self._spec.isolation, message["threads"], fit=fit)
            if importer.mode == "spawn":
                self.let_go(importer)  # its libraries were told to start no threads

    def let_go(self, importer: Importer) -> None:
        """Gives an importer no more work; its end is reaped as any other's."""
        importer.dismissed = True
        hang_up(self._selector, importer.channel)

    def remove(self, importer: Importer) -> None:
        """Reads what an ended importer still said, and forgets it."""
        self.importers.remove(importer)
        for message in importer.channel.drain():
            self._tell(importer, message)
        hang_up(self._selector, importer.channel)

    def end_all(self, seconds: float) -> None:
        """Lets all importers end by themselves if tasks ran in them; then kills those that are left."""
        for importer in self.importers:
            self.let_go(importer)
        give_up = time.monotonic() + seconds
        while self.importers and time.monotonic() < give_up:
            self._selector.select(0.1)
            self.importers = [one for one in self.importers if one.reap() is None]
        kill_children(set())

    def _start(self, boot: Path) -> None:
        own = {**os.environ, **self._spec.env, MARK: self._lock.path}
        if self._mode in (None, "fork"):
            environ = threads.one_thread(own, self._spec.threads)
        else:
            share = threads.task_share(own, self._spec.threads)
            environ = own | {name: value for name, value in share.items() if value is not None}
        importer = Importer(boot, environ, self._lock.descriptor, self._log, self._mode)
        self.importers.append(importer)
        self._selector.register(
            importer.channel.socket, selectors.EVENT_READ, lambda: self._hear(importer)
        )  # fmt: skip

    def _hear(self, importer: Importer) -> None:
        if importer.channel.is_closed:
            return
        messages = importer.channel.receive()
        if messages is None:
            hang_up(self._selector, importer.channel)
        for message in messages or ():
            self._tell(importer, message)


def choose_mode(isolation: Isolation, native_threads: int | None, *, fit: bool = True) -> Mode:
    """Returns how tasks start: by fork only if the importer's process has exactly one native thread.

    Args:
        fit: the app has nothing against forks.
    """
    if isolation != "auto":
        return isolation
    return "fork" if native_threads == 1 and fit else "spawn"

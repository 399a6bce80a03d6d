"""The processes in which a worker's tasks run: an importer that forks, a fresh process a task, or a few that stay."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

from hsm_core.model import Isolation
from hsm_core.store.submission import WorkerSpec

from . import threads
from .importer import measured
from .main import entry
from .orders import Channel, Message, Order, channel_pair

Mode = Literal["fork", "spawn", "none"]


class Importer:
    """A process that has, or will have, the app imported.

    Attributes:
        ready: its own word that the app is imported.
        dismissed: it gets no more attempts, and ends when its channel is closed.
        keys: attempts that run in it or in its children.
        log_offset: where its output begins in the worker's log.
    """

    def __init__(self, boot: Path, environ: dict[str, str], lock: int, log: Path) -> None:
        self.boot = boot
        self.ready: Message | None = None
        self.dismissed = False
        self.keys: set[str] = set()
        self.log_offset = log.stat().st_size
        self.channel, theirs = channel_pair()
        descriptor = theirs.socket.fileno()
        os.set_inheritable(descriptor, True)
        with open(log, "ab") as stream:
            self._process = subprocess.Popen(
                [sys.executable, str(entry()), "import", str(descriptor), str(boot)],
                env=environ, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
                pass_fds=(descriptor, lock), start_new_session=True,
            )  # fmt: skip
        theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def order(self, ask: str, order: Order, connection: Channel) -> None:
        """Hand over an attempt with its end of a channel."""
        self.keys.add(order.key)
        if ask == "only":
            self.dismissed = True
        self.channel.send({"ask": ask, "order": order.to_json()}, connection.socket.fileno())
        connection.close()

    def reap(self) -> Message | None:
        """What the kernel says of its end; None while it lives."""
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        if not pid:
            return None
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return measured(status, usage)


class Crew:
    """Finds a process for an attempt.

    Args:
        lock: the open lock file that everything of this worker holds.
        log: the worker's log.
    """

    def __init__(self, spec: WorkerSpec, lock: int, log: Path) -> None:
        self._spec, self._lock, self._log = spec, lock, log
        self.importers: list[Importer] = []
        self.mode: Mode | None = None if spec.isolation == "auto" else spec.isolation

    def free(self, boot: Path) -> Importer | None:
        """An importer of this payload that can take an attempt now; starts one if there is none on its way."""
        mine = [importer for importer in self.importers if importer.boot == boot and not importer.dismissed]
        for importer in mine:
            if importer.ready and (self.mode == "fork" or not importer.keys):
                return importer
        if len(mine) < (1 if self.mode in (None, "fork") else self._spec.slots):
            self._start(boot)
        return None

    def greet(self, importer: Importer, message: Message) -> None:
        """Note that an importer is ready; the first one decides how ``auto`` runs tasks."""
        importer.ready = message
        if self.mode is None:
            self.mode = choose_mode(self._spec.isolation, message["threads"])
            if self.mode != "fork":
                self.dismiss(importer)  # its libraries were told to start no threads

    def ask(self) -> str:
        """The word that makes an importer run an attempt in this mode."""
        return {"fork": "fork", "spawn": "only", "none": "here", None: "fork"}[self.mode]

    def dismiss(self, importer: Importer) -> None:
        """Let an importer go; its end is reaped as any other's."""
        importer.dismissed = True
        importer.channel.close()

    def _start(self, boot: Path) -> None:
        own = dict(os.environ)
        if self.mode in (None, "fork"):
            environ = threads.one_thread(own)
        else:
            share = threads.task_share(own, self._spec.threads)
            environ = own | {name: value for name, value in share.items() if value is not None}
        self.importers.append(Importer(boot, environ, self._lock, self._log))


def choose_mode(isolation: Isolation, native_threads: int | None) -> Mode:
    """How tasks start: by fork only where the importer's process has exactly one native thread."""
    if isolation != "auto":
        return isolation
    return "fork" if native_threads == 1 else "spawn"

"""Imports the app once and starts a process for each task by forking, or runs tasks itself where a fork is not safe."""

from __future__ import annotations

import importlib
import json
import os
import selectors
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from .child import TaskModule, leave, run_attempt
from .orders import Channel, Message, Order
from .processes import die_with_parent, native_threads

#: Seconds between looks for ended children where the kernel has no pidfd (before Linux 5.3).
POLL_S = 0.05


def serve(descriptor: int, boot: Path) -> None:
    """Load the payload, say so, then run what is ordered until the supervisor closes its end.

    Args:
        descriptor: our end of the socket pair.
        boot: ``boot.json`` of a launch.
    """
    parent = os.getppid()
    die_with_parent(parent)
    channel = Channel(socket.socket(fileno=descriptor))
    channel.socket.set_inheritable(False)
    began = time.monotonic()
    module, prepared = load(boot)
    seconds = round(time.monotonic() - began, 3)
    channel.send({"said": "ready", "threads": native_threads(), "seconds": seconds})
    Importer(channel, module, prepared).run()


def load(boot: Path) -> tuple[TaskModule, Any]:
    """Go where the app was started, see the modules that it saw, then unpickle: in this order."""
    found = json.loads(boot.read_bytes())
    os.chdir(found["cwd"])
    sys.path[:] = found["sys_path"]
    module: Any = importlib.import_module(found["module"])
    return module, module.prepare(str(boot.parent / found["payload"]))


class Importer:
    """The importer's loop: one thread, so that forks are safe."""

    def __init__(self, channel: Channel, module: TaskModule, prepared: Any) -> None:
        self._channel, self._module, self._prepared = channel, module, prepared
        self._selector = selectors.DefaultSelector()
        self._selector.register(channel.socket, selectors.EVENT_READ)
        self._children: dict[int, str] = {}
        self._watched: dict[int, int] = {}
        self._files: deque[int] = deque()

    def run(self) -> None:
        while True:
            timeout = POLL_S if len(self._watched) < len(self._children) else None
            for key, _ in self._selector.select(timeout):
                if key.fileobj is self._channel.socket and not self._obey():
                    os._exit(0)
            self._reap()

    def _obey(self) -> bool:
        received = self._channel.receive_with_files()
        if received is None:
            return False
        messages, files = received
        self._files.extend(files)
        for message in messages:
            if message["ask"] == "kill":
                self._kill(message)
            else:
                self._start(message)
        return True

    def _start(self, message: Message) -> None:
        order = Order.from_json(message["order"])
        connection = Channel(socket.socket(fileno=self._files.popleft()))
        if message["ask"] == "fork":
            self._fork(order, connection)
        elif message["ask"] == "only":
            leave(run_with_variables(order, connection, self._module, self._prepared))
        else:
            self._run_here(order, connection)

    def _fork(self, order: Order, connection: Channel) -> None:
        importer = os.getpid()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        pid = os.fork()
        if pid == 0:
            die_with_parent(importer)
            self._channel.close()
            self._selector.close()
            for descriptor in self._watched.values():
                os.close(descriptor)
            leave(_run(order, connection, self._module, self._prepared))
        connection.close()
        self._children[pid] = order.key
        self._watch(pid)

    def _run_here(self, order: Order, connection: Channel) -> None:
        """Run in this process, one attempt after another (isolation ``none``)."""
        kept = [os.dup(number) for number in (1, 2)]
        environ = dict(os.environ)
        cwd = os.getcwd()
        run_with_variables(order, connection, self._module, self._prepared)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for number, descriptor in zip((1, 2), kept, strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(environ)
        os.chdir(cwd)
        connection.close()

    def _watch(self, pid: int) -> None:
        if not hasattr(os, "pidfd_open"):
            return
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            return
        self._watched[pid] = descriptor
        self._selector.register(descriptor, selectors.EVENT_READ)

    def _reap(self) -> None:
        for pid in list(self._children):
            found, status, usage = os.wait4(pid, os.WNOHANG)
            if found:
                self._unwatch(pid)
                key = self._children.pop(pid)
                self._channel.send({"said": "exit", "key": key, **measured(status, usage)})

    def _unwatch(self, pid: int) -> None:
        descriptor = self._watched.pop(pid, None)
        if descriptor is not None:
            self._selector.unregister(descriptor)
            os.close(descriptor)

    def _kill(self, message: Message) -> None:
        for pid, key in self._children.items():
            if key == message["key"]:
                try:
                    os.killpg(pid, message["signal"])
                except ProcessLookupError:  # forked a moment ago, not yet a group of its own
                    os.kill(pid, message["signal"])


def run_with_variables(order: Order, connection: Channel, module: TaskModule, prepared: Any) -> int:
    """Run an attempt with its variables set."""
    for name, value in order.env.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return run_attempt(order, connection, module, prepared)


def measured(status: int, usage: Any) -> dict[str, Any]:
    """What the kernel says of an ended process: code or signal, CPU seconds, peak memory in MiB."""
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): ru_maxrss is in bytes on macOS, else KiB
    code = os.waitstatus_to_exitcode(status)
    return {
        "code": code if code >= 0 else None, "signal": -code if code < 0 else None,
        "cpu": round(usage.ru_utime + usage.ru_stime, 3), "mem": round(usage.ru_maxrss * unit / 2**20, 1),
    }  # fmt: skip


def _run(order: Order, connection: Channel, module: TaskModule, prepared: Any) -> int:
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    if order.nice:
        os.nice(order.nice)
    return run_with_variables(order, connection, module, prepared)

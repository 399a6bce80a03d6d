"""Imports the app once and forks a process for each task, or runs tasks itself where a fork is not safe."""

from __future__ import annotations

import gc
import importlib
import os
import resource
import selectors
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from hsm_core.processes.lock import drop_in_forks
from hsm_core.store.files import read_own_json

from ..os.gpus import GpuQuestion
from ..os.processes import (
    adopt_orphans,
    be_killed_first,
    children,
    die_with_parent,
    kill_children,
    native_threads,
)
from ..os.signals import be_heard
from ..os.usage import measured, measured_here
from ..protocol import Channel, Message, Order
from ..task.attempt import TaskModule, run_attempt
from ..task.exit import forget_inherited_exits, leave
from ..task.frames import cut_frames

#: Seconds between checks for ended children where the kernel has no pidfd (before Linux 5.3).
POLL_S = 0.05
#: A batch system sends these to all processes of a job; the supervisor alone decides what they mean.
_SUPERVISED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def serve(descriptor: int, lock: int, boot: Path, *, forks: bool) -> NoReturn:
    """Loads the payload, reports that, then runs what is ordered until the supervisor closes its end.

    Args:
        descriptor: our end of the socket pair.
        lock: the open lock file.
        boot: ``boot.json`` of a launch.
        forks: tasks will be children of this process, and need not load again what it has loaded.
    """
    die_with_parent(os.getppid())
    for inherited in (descriptor, lock):
        os.set_inheritable(inherited, False)
    channel = Channel(socket.socket(fileno=descriptor))
    began = time.monotonic()
    gpus = GpuQuestion()
    try:
        module, prepared = load(boot)
    except Exception as error:  # noqa: BLE001  the worker's edge: importing runs the user's code
        cut_frames(error)
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)
    against: list[str] = []
    if forks:
        module.warm_up(prepared)
        against = module.against_forks(prepared)
    seconds = round(time.monotonic() - began, 3)
    gc.freeze()  # so that no task's collector touches, and copies, what was imported
    found = {"notes": module.notes(prepared), "gpus": gpus.answer(), "against_forks": against}
    channel.send({"said": "ready", "threads": native_threads(), "seconds": seconds, "found": found})
    leave(ImporterLoop(channel, lock, module, prepared).run())


def load(boot: Path) -> tuple[TaskModule, object]:
    """Goes to the directory where the app was started, takes over its ``sys.path``, then unpickles: in this order.

    On a host where the app was not started, ``own_path``, packages come from the host's own interpreter.
    """
    found = read_own_json(boot)
    os.chdir(found["cwd"])
    sys.path[:] = [*found["sys_path"], *(sys.path if found.get("own_path") else ())]
    gc.disable()  # what Hydra's modules consist of stays: there is nothing to collect
    module: TaskModule = importlib.import_module(found["module"])
    gc.enable()
    return module, module.prepare(str(boot.parent / found["payload"]))


class ImporterLoop:
    """Runs orders in one thread, so that forks are safe."""

    def __init__(self, channel: Channel, lock: int, module: TaskModule, prepared: object) -> None:
        self._channel, self._lock, self._module, self._prepared = channel, lock, module, prepared
        self._selector = selectors.DefaultSelector()
        self._selector.register(channel.socket, selectors.EVENT_READ)
        self._children: dict[int, str] = {}
        self._watched: dict[int, int] = {}
        self._files: deque[int] = deque()
        self._take_signals()

    def run(self) -> int:
        """Obeys the supervisor until it is gone; returns the exit code."""
        while True:
            timeout = POLL_S if len(self._watched) < len(self._children) else None
            for key, _ in self._selector.select(timeout):
                if key.fileobj is self._channel.socket and not self._obey():
                    return 0
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
            drop_in_forks(self._lock)
            leave(self._run(order, connection))
        else:
            self._module.expect(self._prepared, order.overrides)
            self._run_here(order, connection)

    def _fork(self, order: Order, connection: Channel) -> None:
        importer = os.getpid()
        self._module.expect(self._prepared, order.overrides)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        pid = os.fork()
        if pid == 0:
            self._be_child(importer, order, connection)
        connection.close()
        self._children[pid] = order.key
        self._watch(pid)

    def _be_child(self, importer: int, order: Order, connection: Channel) -> NoReturn:
        code = 1
        try:
            die_with_parent(importer)
            os.setsid()
            forget_inherited_exits()
            drop_in_forks(self._lock)
            self._channel.close()
            self._selector.close()
            for descriptor in self._watched.values():
                os.close(descriptor)
            code = self._run(order, connection)
        finally:
            leave(code)

    def _run(self, order: Order, connection: Channel) -> int:
        """Runs an attempt in a process of its own, as the user's own program would run."""
        adopt_orphans()
        be_killed_first()
        self._give_signals_back()
        if order.can_be_warned:
            signal.signal(signal.SIGUSR2, be_heard)
        if order.nice:
            os.nice(order.nice)
        return run_with_variables(order, connection, self._module, self._prepared)

    def _run_here(self, order: Order, connection: Channel) -> None:
        """Runs an attempt in this process, one after the other (isolation ``none``)."""
        adopt_orphans()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self._give_signals_back()
        with _undisturbed():
            code = run_with_variables(order, connection, self._module, self._prepared)
        self._take_signals()
        connection.close()
        self._channel.send({"said": "exit", "key": order.key, **measured_here(code, usage)})

    def _take_signals(self) -> None:
        self._handlers = {number: signal.signal(number, be_heard) for number in _SUPERVISED}

    def _give_signals_back(self) -> None:
        """Restores, for a task, the meaning that signals have for the app."""
        for number, handler in self._handlers.items():
            if handler is not None:  # a C library's, which can't be put back
                signal.signal(number, handler)

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
                if message["signal"] == signal.SIGUSR2:  # to the task itself; to its programs it would be an end
                    os.kill(pid, signal.SIGUSR2)
                    continue
                try:
                    os.killpg(pid, message["signal"])
                except ProcessLookupError:  # forked a moment ago, not yet a group of its own
                    os.kill(pid, message["signal"])


def run_with_variables(order: Order, connection: Channel, module: TaskModule, prepared: object) -> int:
    """Runs an attempt with its variables set."""
    for name, value in order.env.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return run_attempt(order, connection, module, prepared)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Restores output, environment and working directory, and ends processes that were started meanwhile."""
    outputs = [os.dup(number) for number in (1, 2)]
    environ, cwd, before = dict(os.environ), os.getcwd(), set(children())
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        for number, descriptor in zip((1, 2), outputs, strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)
        _restore_environ(environ)
        os.chdir(cwd)
        kill_children(before)


def _restore_environ(wanted: dict[str, str]) -> None:
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value

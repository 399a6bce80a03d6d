"""Defines what a supervisor asks of an importer, and how its processes talk: JSON lines over socket pairs."""

from __future__ import annotations

import json
import os
import selectors
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsm_core.store.outcomes import Owner

Message = dict[str, Any]
#: The file that starts a worker, and an importer of it; run by path, see there.
ENTRY = Path(__file__).with_name("__main__.py")


@dataclass(frozen=True)
class Order:
    """One attempt to run.

    Args:
        sweep: the sweep directory; sweep_id: the sweep's id.
        env: variables for the task's process; None unsets one.
        threads: the slot's share of cores, for math libraries.
        job_id: Hydra's ``hydra.job.id``.
        can_be_warned: SIGUSR2 may come, when the job's time is nearly over.
        stderr_to_stdout: both streams go into one log.
        rank, ranks: which of how many processes that run the attempt together.
        directory, suffix: where rank 0 runs it, as its ``start`` event says; for other ranks only.
    """

    task: int
    attempt: int
    overrides: tuple[str, ...]
    sweep: str
    sweep_id: str
    env: dict[str, str | None]
    threads: int
    job_id: str
    nice: int = 0
    can_be_warned: bool = False
    stderr_to_stdout: bool = False
    rank: int = 0
    ranks: int = 1
    directory: str = ""
    suffix: str = ""

    @property
    def key(self) -> str:
        return f"{self.task}.{self.attempt}"

    @property
    def owner(self) -> Owner:
        """Returns the attempt as its outcome names it."""
        return Owner(self.sweep_id, self.task, self.attempt)

    @property
    def is_shared(self) -> bool:
        """Returns whether this is rank 0 of several: the attempt is completed when all ranks have completed it."""
        return not self.rank and self.ranks > 1

    def to_json(self) -> Message:
        return dict(vars(self))

    @classmethod
    def from_json(cls, found: Message) -> Order:
        return cls(**{**found, "overrides": tuple(found["overrides"])})


class Channel:
    """One end of a socket pair that carries JSON lines."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._buffer = b""

    @property
    def is_closed(self) -> bool:
        """Returns whether ``close`` was called."""
        return self.socket.fileno() < 0

    def send(self, message: Message, descriptor: int | None = None) -> bool:
        """Sends a message, perhaps with an open file; returns False if the other end is gone."""
        data = json.dumps(message).encode() + b"\n"
        try:
            if descriptor is None:
                self.socket.sendall(data)
                return True
            sent = socket.send_fds(self.socket, [data], [descriptor])
            self.socket.sendall(data[sent:])
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def receive(self) -> list[Message] | None:
        """Waits for messages; returns None at the end of the stream."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return None
        return self._split(data) if data else None

    def drain(self) -> list[Message]:
        """Returns what has arrived, without waiting for the other end to close: others may hold it open."""
        found: list[Message] = []
        if self.is_closed:
            return found
        self.socket.setblocking(False)
        try:
            while (messages := self.receive()) is not None:
                found += messages
        except BlockingIOError:
            pass
        finally:
            self.socket.setblocking(True)
        return found

    def receive_with_files(self) -> tuple[list[Message], list[int]] | None:
        """Waits for messages and the open files that came with them, in the same order."""
        data, descriptors, _, _ = socket.recv_fds(self.socket, 65536, 16)
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        return (self._split(data), descriptors) if data else None

    def close(self) -> None:
        self.socket.close()

    def _split(self, data: bytes) -> list[Message]:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return [json.loads(line) for line in lines]


def channel_pair() -> tuple[Channel, Channel]:
    """Returns two connected ends, which programs that are started do not inherit."""
    ours, theirs = socket.socketpair()
    return Channel(ours), Channel(theirs)


def hang_up(selector: selectors.BaseSelector, channel: Channel) -> None:
    """Closes a channel and stops to listen to it."""
    if not channel.is_closed:
        if channel.socket in selector.get_map():
            selector.unregister(channel.socket)
        channel.close()

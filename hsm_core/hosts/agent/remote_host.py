"""Runs commands and keeps files on a machine behind a channel, and connects again when that breaks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import wait
from pathlib import Path

from hsm_core.errors import HostClosed, HostTrouble, LinkLost
from hsm_core.hosts.interface import Done, Found, Patience, Wait
from hsm_core.model import ProcessIdentity

from .answers import Words, found_in, process_in
from .channel import Channel
from .client import AgentClient, Answer, Greeting, Timing
from .copying import pull, push
from .messages import Message, pack

#: Seconds between two looks whether the user wants to leave.
_LOOK_EVERY_S = 0.25
#: Seconds beyond a command's limit until its answer must be here, or the link is taken for dead.
_GRACE_S = 10.0
#: Seconds without an attempt to connect after one that failed; doubled each time, up to the second.
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0


class RemoteHost:
    """A machine behind a connection; connects when it is first asked for something, and again after a break.

    Calls that can be repeated without harm are, once, on a new connection; ``run`` and ``start`` are not.

    Args:
        name: see ``Host.name``.
        connect: opens a channel on which the agent was started.
        patience: of who waits for its commands; None: nobody does.
        settings: see ``Host.settings``.

    Each method may raise ``HostTrouble``, which is an OSError: ``HostDown`` (nothing was asked), ``LinkLost``
    (nobody knows whether it was done), ``HostClosed`` (somebody must do something first; it is not tried again).
    """

    def __init__(
        self, name: str, connect: Callable[[], Channel], patience: Patience | None = None,
        timing: Timing | None = None, settings: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.name, self.settings = name, settings or {}
        self._called = name.partition(":")[2] or name  # as its user types it
        self._connect, self._patience, self._timing = connect, patience or Patience(), timing or Timing()
        self._client: AgentClient | None = None
        self._connecting = threading.Lock()
        self._closed: HostClosed | None = None
        self._down: HostTrouble | None = None
        self._pause_s, self._not_before = 0.0, 0.0

    @property
    def greeting(self) -> Greeting:
        """Returns who answers there."""
        return self._living().greeting

    @property
    def user(self) -> str:
        return self.greeting.user

    @property
    def environment(self) -> Mapping[str, str]:
        return self.greeting.environment

    def which(self, command: str) -> str | None:
        return Words(self._ask("which", command=command)).text_or_none("path")

    def run(
        self, argv: Sequence[str], timeout_s: float, *, cwd: Path | None = None, env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Done:  # fmt: skip
        limit = Wait(self._patience, argv[0], timeout_s)
        client = self._living()
        answer = client.ask(
            "run", stdin, argv=list(argv), timeout_s=timeout_s, cwd=None if cwd is None else str(cwd),
            env=None if env is None else dict(env),
        )  # fmt: skip
        message = self._wait(client, answer, limit)
        words = Words(message)
        out = words.number("out")
        texts = [part.decode("utf-8", "replace") for part in (message.body[:out], message.body[out:])]
        return Done(tuple(argv), words.number_or_none("code"), *texts)

    def start(self, argv: Sequence[str], env: Mapping[str, str], log: Path) -> ProcessIdentity:
        answer = self._living().ask("start", argv=list(argv), env=dict(env), log=str(log))
        return process_in(answer.result(self._timing.answer_s))

    def signal(self, process: ProcessIdentity, number: int) -> None:
        self._ask("signal", process=_row(process), number=int(number))

    def evidence_of_death(self, process: ProcessIdentity) -> str | None:
        try:
            evidence = Words(self._ask("death", process=_row(process))).text_or_none("evidence")
            return evidence and evidence.replace(self.name, self._called)
        except HostTrouble:
            return None  # nobody can know

    def end_leftovers(self, journal: Path) -> list[int]:
        return Words(self._ask("leftovers", journal=str(journal))).numbers("killed")

    def read(self, path: Path, offset: int = 0, size: int = -1) -> bytes:
        return self._ask("read", path=str(path), offset=offset, most=size).body

    def write(self, path: Path, data: bytes) -> None:
        self._ask("write", data, path=str(path))

    def append(self, path: Path, offset: int, data: bytes) -> None:
        self._ask("append", data, path=str(path), offset=offset)

    def overwrite(self, path: Path, data: bytes) -> None:
        self._ask("overwrite", data, path=str(path))

    def clock(self) -> float:
        return Words(self._ask("clock")).number("ms") / 1000

    def files(self, folder: Path) -> list[Found]:
        return found_in(self._ask("files", folder=str(folder)).body)

    def push(self, copies: Mapping[Path, Path]) -> None:
        push(copies, self._send, self._result)

    def pull(self, copies: Mapping[Path, Path]) -> None:
        pull(copies, self._send, self._result)

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _ask(self, call: str, body: bytes = b"", **fields: object) -> Message:
        """Asks for what can be asked for twice."""
        return self._result(self._send(call, body, **fields))

    def _send(self, call: str, body: bytes = b"", **fields: object) -> _Asked:
        asked = _Asked(call, body, fields)
        try:
            asked.answer = self._living().ask(call, body, **fields)
        except LinkLost:
            asked.answer = None  # it broke just now: it is asked again
        return asked

    def _result(self, asked: _Asked) -> Message:
        try:
            if asked.answer is not None:
                return self._limited(asked.answer)
        except LinkLost:
            pass
        return self._limited(self._living().ask(asked.call, asked.body, **asked.fields))

    def _limited(self, answer: Answer) -> Message:
        done, _ = wait([answer], self._timing.answer_s)
        if not done:
            raise LinkLost(f"{self._called} gave no answer", evidence=f"none within {self._timing.answer_s:.0f} s")
        return answer.result()

    def _wait(self, client: AgentClient, answer: Answer, limit: Wait) -> Message:
        """Waits for a command; the agent there keeps its limit, too."""
        told, over = False, 0.0
        while True:
            left = limit.left()
            if limit.is_hurried and not told:
                told = True
                client.tell(pack({"press": 1}))
            done, _ = wait([answer], _LOOK_EVERY_S)
            if done:
                return answer.result()
            if not left:
                over = over or time.monotonic()
                if time.monotonic() - over > _GRACE_S:
                    raise LinkLost(f"{self._called} does not say how a command ended", evidence="its time is up")

    def _living(self) -> AgentClient:
        client = self._client
        if client is not None and client.is_alive:
            return client
        with self._connecting:
            if self._client is not None and self._client.is_alive:
                return self._client
            if self._closed is not None:
                raise self._closed
            if self._down is not None and time.monotonic() < self._not_before:
                raise self._down
            self._client = self._attach()
            return self._client

    def _attach(self) -> AgentClient:
        try:
            client = AgentClient(self._called, self._connect(), self._timing)
        except HostClosed as error:
            self._closed = error
            raise
        except HostTrouble as error:
            self._pause_s = min(2 * self._pause_s or _PAUSE_S, _LONGEST_PAUSE_S)
            self._down, self._not_before = error, time.monotonic() + self._pause_s
            raise
        self._down, self._pause_s = None, 0.0
        return client


class _Asked:
    """A call that was sent, and what it takes to send it again."""

    def __init__(self, call: str, body: bytes, fields: dict[str, object]) -> None:
        self.call, self.body, self.fields = call, body, fields
        self.answer: Answer | None = None


def _row(process: ProcessIdentity) -> list[object]:
    return [process.host, process.boot, process.pid, process.start]

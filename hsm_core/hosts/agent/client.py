"""Speaks with an agent over its channel: sends calls, gives each its answer, and notices when the link is dead."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from hsm_core.errors import HostClosed, HostDown, HostTrouble, LinkLost

from .carried import NO_PYTHON, OLDEST, PYTHONS, command, program
from .channel import Channel
from .messages import MOST_ANSWER, MOST_NOISE, Garbled, Head, Message, Unpacker, pack

Answer = Future[Message]
_LOOK_EVERY_S = 0.5
#: Errors of a call that come back as what they were; others as OSError: a host does not choose what is raised here.
_KINDS: dict[str, type[Exception]] = {
    one.__name__: one for one in (ChildProcessError, ProcessLookupError, ValueError)
}


@dataclass(frozen=True)
class Timing:
    """Seconds that a link is given.

    Args:
        hello_s: for the agent's first word, its program's way there included.
        beat_s: between two signs of life.
        dead_s: without a word from the agent until the link is taken for dead.
        silent_s: without a word from us until the agent ends itself.
        answer_s: for an answer that takes no longer than a disk does.
    """

    hello_s: float = 30.0
    beat_s: float = 2.0
    dead_s: float = 15.0
    silent_s: float = 60.0
    answer_s: float = 120.0


def start_line(name: str, python: str | None, timing: Timing) -> str:
    """Returns the line that a login shell is to run for an agent; see ``carried.command``.

    Args:
        name: of the host, see ``Host.name``.
        python: the one that its user named; without, all are tried that are usual.
    """
    pythons = [python] if python else PYTHONS
    return command(pythons, name=name, beat_s=timing.beat_s, silent_s=timing.silent_s)


@dataclass(frozen=True)
class Greeting:
    """Who answers there.

    Args:
        host: the machine's own name.
        boot: which of its boots this is.
        python: the interpreter that runs the agent.
        noise: bytes that the login shell printed first.
    """

    host: str
    boot: str
    user: str
    home: str
    python: str
    version: tuple[int, ...]
    environment: dict[str, str] = field(repr=False)  # it may hold secrets
    noise: int = 0


class AgentClient:
    """An agent that answers.

    Args:
        name: of the host, for messages.
        channel: on which ``carried.command`` was started.

    Raises:
        HostDown: it did not answer in time.
        HostClosed: it can't run there.
    """

    def __init__(self, name: str, channel: Channel, timing: Timing) -> None:
        self._name, self._channel, self._timing = name, channel, timing
        self._unpacker = Unpacker(most=MOST_ANSWER)
        self._waiting: dict[int, Answer] = {}
        self._last_id = 0
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._trouble: LinkLost | None = None
        self._heard = time.monotonic()
        self._writing_since: float | None = None
        self._beaten = threading.Event()
        try:
            self.greeting, early = self._greet()
        except BaseException:
            channel.close()
            raise
        threading.Thread(target=self._listen, args=(early,), name=f"agent of {name}", daemon=True).start()
        threading.Thread(target=self._answer_beats, name=f"beats of {name}", daemon=True).start()

    @property
    def is_alive(self) -> bool:
        return self._trouble is None

    def ask(self, call: str, body: bytes = b"", **fields: object) -> Answer:
        """Sends a call; its answer comes later, or the error that it met.

        Raises:
            LinkLost: the link is dead.
        """
        answer: Answer = Future()
        with self._lock:
            if self._trouble is not None:
                raise self._lost(self._trouble.evidence)
            self._last_id += 1
            number = self._last_id
            self._waiting[number] = answer
        self.tell(pack({**fields, "id": number, "call": call}, body))
        return answer

    def tell(self, data: bytes) -> None:
        """Sends a message that has no answer; of a link that breaks, whoever waits for an answer hears."""
        try:
            with self._sending:
                self._writing_since = time.monotonic()
                self._channel.write(data)
                self._writing_since = None
        except OSError as error:
            self._break(f"it can't be written to: {error}")

    def close(self) -> None:
        """Ends the link; the agent ends what it still runs for us."""
        self._break("it was closed")

    def _greet(self) -> tuple[Greeting, list[Message]]:
        deadline = time.monotonic() + self._timing.hello_s
        threading.Thread(target=self._send_program, daemon=True).start()  # who reads nothing holds up nobody
        while (left := deadline - time.monotonic()) > 0:
            data = self._channel.read(left)
            if data == b"":
                raise self._no_hello()
            found = self._unpack(data or b"")
            if found:
                return _greeting(found[0], len(self._unpacker.noise)), found[1:]
        raise HostDown(
            f"{self._name} lets us in, but does not answer",
            evidence=f"nothing within {self._timing.hello_s:.0f} s; {self._channel.said() or 'no error either'}",
        )

    def _send_program(self) -> None:
        with contextlib.suppress(OSError):  # why will be said when we read
            self._channel.write(program())

    def _unpack(self, data: bytes) -> list[Message]:
        try:
            return self._unpacker.feed(data)
        except Garbled as error:
            raise HostClosed(
                f"{self._name} does not answer as it should", evidence=str(error),
                fix=f"ssh {self._name} true    # prints nothing, if its login files print nothing",
            ) from error  # fmt: skip

    def _no_hello(self) -> HostTrouble:
        if (known := self._channel.trouble()) is not None:
            return known
        said, code = self._channel.said(), self._channel.code()
        if code == NO_PYTHON:
            need = ".".join(map(str, OLDEST))
            return HostClosed(
                f"{self._name} has no Python {need} or newer where it was looked for",
                evidence=said or "exit code 127",
                fix=f"{{name: {self._name}, python: /path/to/python}}    # in hydra.launcher.hosts",
            )  # fmt: skip
        how = "the connection broke" if code is None or code < 0 or code == 255 else f"exit code {code}"
        evidence = f"{how}{f': {said}' if said else ''}"
        if code is None or code < 0 or code == 255:
            return HostDown(f"{self._name} did not stay connected", evidence=evidence)
        return HostClosed(f"{self._name} can't run hsm's agent", evidence=evidence, fix=f"ssh {self._name} true")

    def _listen(self, early: Sequence[Message]) -> None:
        for message in early:
            self._take(message)
        while self._trouble is None:
            data = self._channel.read(_LOOK_EVERY_S)
            now = time.monotonic()
            if data:
                self._heard = now
            if data == b"":
                self._break(f"it ended{f': {said}' if (said := self._channel.said()) else ''}")
            elif now - self._heard > self._timing.dead_s:
                self._break(f"nothing received for {now - self._heard:.0f} s")
            elif (since := self._writing_since) is not None and now - since > self._timing.answer_s:
                self._break(f"it has not taken what was sent for {now - since:.0f} s")
            elif data:
                try:
                    for message in self._unpacker.feed(data):
                        self._take(message)
                except Garbled as error:
                    self._break(f"what it sends can't be read: {error}")

    def _take(self, message: Message) -> None:
        if "beat" in message.head:
            self._beaten.set()
            return
        number = message.head.get("id")
        with self._lock:
            answer = self._waiting.pop(number, None) if isinstance(number, int) else None
        if answer is None:
            return  # to nothing that we asked
        if "error" in message.head:
            answer.set_exception(_error(message.head))
        else:
            answer.set_result(message)

    def _answer_beats(self) -> None:
        """Says that we live; in a thread of its own, as a write may wait for a host that reads nothing."""
        while self._trouble is None:
            self._beaten.wait()
            self._beaten.clear()
            if self._trouble is None:
                self.tell(pack({"heard": 1}))

    def _lost(self, evidence: str) -> LinkLost:
        return LinkLost(f"the connection to {self._name} broke", evidence=evidence)

    def _break(self, evidence: str) -> None:
        with self._lock:
            if self._trouble is not None:
                return
            self._trouble = self._lost(evidence)
            waiting, self._waiting = self._waiting, {}
        self._beaten.set()
        for answer in waiting.values():
            answer.set_exception(self._lost(evidence))
        self._channel.close()


def _greeting(message: Message, noise: int) -> Greeting:
    head = message.head
    try:
        environment = {str(key): str(value) for key, value in json.loads(message.body).items()}
        version = tuple(int(one) for one in head["version"])
        words = {key: str(head[key]) for key in ("host", "boot", "user", "home", "python")}
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise HostClosed("the host sends an unknown greeting", evidence=type(error).__name__) from error
    return Greeting(version=version, environment=environment, noise=min(noise, MOST_NOISE), **words)


def _error(head: Head) -> Exception:
    """Returns the error that a call met over there, as the same kind of error here."""
    kind, number, text, file = (head.get(key) for key in ("error", "errno", "text", "file"))
    if isinstance(number, int):
        found = OSError(number, " ".join(str(text).split()), *([file] if isinstance(file, str) else []))
        return OSError(str(text)) if isinstance(found, ConnectionError) else found  # no pipe of ours broke
    return _KINDS.get(str(kind), OSError)(str(text))

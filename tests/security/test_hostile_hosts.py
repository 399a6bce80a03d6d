"""A host that answers as no honest agent would costs an error that says so, never more."""

from __future__ import annotations

import contextlib
import errno
import json
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsm_core.errors import HostClosed, HostTrouble, LinkLost
from hsm_core.hosts.agent.client import Timing
from hsm_core.hosts.agent.messages import MOST_ANSWER, SENTINEL, Head, Message, Unpacker, pack
from hsm_core.hosts.agent.remote_host import RemoteHost
from hsm_core.model import ProcessIdentity

QUICK = Timing(hello_s=5, beat_s=0.1, dead_s=20.0, silent_s=2.0, answer_s=1.0)
HELLO: Head = {"host": "h", "boot": "b", "user": "u", "home": "/u", "python": "/p", "version": [3, 11, 0]}
Reply = Callable[[Message], bytes]


class Scripted:
    """A channel to an agent that answers what a test says; what comes after ``blocks_after`` writes is not read."""

    def __init__(self, reply: Reply, hello: bytes, blocks_after: int = 1_000_000) -> None:
        self.sent: queue.Queue[bytes] = queue.Queue()
        self.sent.put(SENTINEL + hello)
        self._reply, self._unpacker, self._left = reply, Unpacker(begun=True), blocks_after
        self._closed = threading.Event()

    def read(self, timeout_s: float) -> bytes | None:
        try:
            return b"" if self._closed.is_set() else self.sent.get(timeout=min(timeout_s, 0.1))
        except queue.Empty:
            return None

    def write(self, data: bytes) -> None:
        self._left -= 1
        if self._left < 0:
            self._closed.wait()
            raise BrokenPipeError("it was closed")
        if not data.startswith(b"{"):
            return  # the program
        for message in self._unpacker.feed(data):
            if "call" in message.head:
                self.sent.put(self._reply(message))

    def said(self) -> str:
        return ""

    def code(self) -> int | None:
        return None

    def trouble(self) -> HostTrouble | None:
        return None

    def close(self) -> None:
        self._closed.set()


def host(reply: Reply = lambda message: b"", hello: bytes = b"", **more: int) -> RemoteHost:
    return RemoteHost("box1", lambda: Scripted(reply, hello or pack(HELLO, b"{}"), **more), timing=QUICK)


@pytest.mark.parametrize(
    "hello",
    [
        pack({**HELLO, "version": [float("inf")]}, b"{}"), pack(HELLO, b"[" * 100_000), pack(HELLO, b"[]"),
        pack(HELLO, b'{"a":' * 100_000), pack(HELLO, b'{"a":' + b"9" * 5000 + b"}"), pack({}, b"{}"),
        b'{"bytes":1e99}\n', b'{"bytes":' + b"9" * 4000 + b"}\n", b'{"a":' + b"[" * 100_000 + b"\n",
    ],
)  # fmt: skip
def test_a_greeting_of_another_form_is_refused(hello: bytes) -> None:
    with pytest.raises(HostClosed) as raised:
        host(hello=hello).read(Path("x"))
    assert len(str(raised.value)) < 500


_PROCESS = ProcessIdentity("h", "b", 1, "2")
_CALLS: dict[str, Callable[[RemoteHost], object]] = {
    "which": lambda host: host.which("x"), "run": lambda host: host.run(["x"], 1.0),
    "start": lambda host: host.start(["x"], {}, Path("log")), "death": lambda host: host.evidence_of_death(_PROCESS),
    "leftovers": lambda host: host.end_leftovers(Path("x")), "read": lambda host: host.read(Path("x")),
    "write": lambda host: host.write(Path("x"), b""), "files": lambda host: host.files(Path("x")),
}  # fmt: skip
_ERRORS: list[Head] = [
    *({"error": name, "text": "x"} for name in ("KeyError", "TypeError", "KeyboardInterrupt", "SystemExit")),
    {"error": ["a"], "text": {}}, {"error": "OSError", "errno": 32, "text": "pipe"}, {"error": 7, "errno": 10**30},
]  # fmt: skip


@pytest.mark.parametrize("call", _CALLS)
def test_a_host_does_not_choose_what_is_raised_here(call: str) -> None:
    told = iter(_ERRORS)
    answers = host(lambda message: pack({**next(told), "id": message.head["id"]}))
    for _ in _ERRORS:
        with pytest.raises(OSError) as raised:
            _CALLS[call](answers)
        assert not isinstance(raised.value, BrokenPipeError)  # for a command, its reader has gone


def test_an_answer_is_no_larger_than_it_may_be() -> None:
    line = json.dumps({"id": 1, "bytes": MOST_ANSWER + 1, "size": MOST_ANSWER + 1}).encode()
    with pytest.raises(LinkLost, match="bytes"):
        host(lambda message: line + b"\n").read(Path("x"))


def test_a_list_of_files_is_no_longer_than_memory_allows() -> None:
    body = b"[" + b"[]," * 2_000_000 + b"[]]"
    with pytest.raises(HostTrouble, match="too many values"):
        host(lambda message: pack({"id": message.head["id"]}, body)).files(Path("x"))


def test_a_host_that_lives_and_reads_nothing_is_given_up() -> None:
    channels: list[Scripted] = []

    def connect() -> Scripted:
        channels.append(Scripted(lambda message: b"", pack(HELLO, b"{}"), blocks_after=1))
        return channels[-1]

    reached = RemoteHost("box1", connect, timing=QUICK)
    assert reached.user == "u"
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(0.05):
            for channel in list(channels):
                channel.sent.put(pack({"beat": 1}))

    threading.Thread(target=beat, daemon=True).start()
    began = time.monotonic()
    try:
        with pytest.raises(HostTrouble):
            reached.read(Path("x"))
    finally:
        stop.set()
    assert time.monotonic() - began < 15


def test_no_file_comes_for_which_the_disk_has_no_room(tmp_path: Path) -> None:
    answers = host(lambda message: pack({"id": message.head["id"]}, b"[[4611686018427387904, 1, 384]]"))
    with pytest.raises(OSError, match="are to come") as raised:
        answers.pull({Path("/there"): tmp_path / "here"})
    assert raised.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


_WORDS = st.sampled_from(
    ["error", "errno", "text", "file", "path", "code", "out", "process", "killed", "evidence"]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(_WORDS, inner, max_size=3), max_leaves=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(_WORDS, _JSON, max_size=4), _JSON | st.binary(max_size=20), st.sampled_from(sorted(_CALLS)))
def test_whatever_is_answered_is_an_answer_or_an_error_of_the_host(head: Head, body: object, call: str) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sizes = {"bytes": len(data), "size": len(data)}

    def reply(message: Message) -> bytes:
        return json.dumps({**sizes, **head, "id": message.head["id"]}).encode() + b"\n" + data

    reached = RemoteHost("box1", lambda: Scripted(reply, pack(HELLO, b"{}")), timing=replace(QUICK, answer_s=0.2))
    with contextlib.suppress(OSError, ValueError):  # HostTrouble is one
        _CALLS[call](reached)
    reached.close()

"""Messages arrive whole, however they are cut, and what is no message is never taken for one."""

from __future__ import annotations

import json
import os
import zlib

import pytest

from hsm_core.hosts.agent.messages import MOST_NOISE, SENTINEL, Garbled, Message, Unpacker, pack

MESSAGES = [
    Message({"id": 1, "text": "ünï\n"}), Message({"id": 2}, b"\n{}\n\0"), Message({}, b"a" * 100_000),
    Message({"id": 3}, os.urandom(5000)),
]  # fmt: skip


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_messages_are_the_same_in_pieces_of_any_size(size: int) -> None:
    data = b"Welcome!\n" + SENTINEL + b"".join(pack(one.head, one.body) for one in MESSAGES)
    unpacker = Unpacker()
    found = [one for start in range(0, len(data), size) for one in unpacker.feed(data[start : start + size])]
    assert [one.body for one in found] == [one.body for one in MESSAGES]
    assert [one.head.get("id") for one in found] == [1, 2, None, 3]
    assert found[0].head["text"] == "ünï\n"
    assert unpacker.noise == b"Welcome!\n"


def test_a_sentinel_at_the_very_beginning_is_seen() -> None:
    for before in (b"", b"noise without an end"):
        unpacker = Unpacker()
        assert unpacker.feed(before + SENTINEL + pack({"id": 1})) == [Message({"id": 1})]
        assert unpacker.noise == before


def test_what_shrinks_is_compressed_and_what_does_not_is_not() -> None:
    assert len(pack({}, b"a" * 100_000)) < 1000
    assert len(pack({}, os.urandom(100_000))) < 100_100


@pytest.mark.parametrize(
    "data",
    [
        b"not json\n", b"[1]\n", b"1\n", b'{"bytes": -1}\n', b'{"bytes": 1e3}\n', b'{"bytes": true}\n',
        b'{"bytes": "1"}\n', b'{"bytes": 999999999999}\n', b'{"bytes": 3, "size": 9}\nabc', b"x" * (1 << 20),
        b"[" * 100_000 + b"\n",
    ],
    ids=lambda data: str(data[:24]),
)  # fmt: skip
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(Garbled):
        Unpacker(begun=True).feed(data)


def test_a_body_that_grows_beyond_what_was_announced_is_refused() -> None:
    bomb = zlib.compress(bytes(50_000_000))
    for size in (100, 60_000_000):
        head = json.dumps({"bytes": len(bomb), "size": size}).encode() + b"\n"
        with pytest.raises(Garbled):
            Unpacker(begun=True).feed(head + bomb)


def test_noise_without_end_is_refused() -> None:
    with pytest.raises(Garbled):
        Unpacker().feed(b"y\n" * MOST_NOISE)

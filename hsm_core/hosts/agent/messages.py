"""Packs what agent and client tell one another: a line of JSON, then as many bytes as it announces."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from typing import Any

#: The line that the agent begins with; what a login shell printed before it is dropped.
SENTINEL = b"\n-- hsm agent 1 --\n"
#: Bytes that are read of noise, of a line, and of what follows it, before we give up; of what follows an answer.
MOST_NOISE, MOST_HEAD, MOST_BODY, MOST_ANSWER = 1 << 20, 1 << 20, 1 << 28, 1 << 25
#: Bytes from which on it is tried whether a body shrinks, and of its beginning that is tried.
_TRY_FROM, _SAMPLE = 1 << 10, 1 << 13

Head = dict[str, Any]


class Garbled(ValueError):
    """Says that what came over the channel is no message: the connection is of no use any more."""


@dataclass(frozen=True)
class Message:
    """Holds what one side told.

    Args:
        head: what it is about.
        body: bytes of a file, or of a command's output.
    """

    head: Head
    body: bytes = b""


def pack(head: Head, body: bytes = b"") -> bytes:
    """Returns a message as bytes; its body is compressed where that pays.

    Raises:
        ValueError: the head has a word that tells of the body.
    """
    if taken := {"bytes", "size"}.intersection(head):
        raise ValueError(f"{', '.join(taken)} of a message is that of its body")
    sent = _shrunk(body)
    sizes = {"bytes": len(sent), "size": len(body)} if body else {}
    return json.dumps({**head, **sizes}, separators=(",", ":")).encode("ascii") + b"\n" + sent


def _shrunk(body: bytes) -> bytes:
    if len(body) < _TRY_FROM:
        return body
    sample = body[:_SAMPLE]
    if len(zlib.compress(sample, 1)) > 0.9 * len(sample):
        return body
    packed = zlib.compress(body, 1)
    return packed if len(packed) < len(body) else body


@dataclass
class Unpacker:
    """Takes messages out of what arrives in pieces of any size; never believes a size over the limits.

    Args:
        begun: the sentinel has been seen.
        most: bytes of a message's body.
    """

    begun: bool = False
    most: int = MOST_BODY
    noise: bytes = b""
    _buffer: bytearray = field(default_factory=bytearray)
    _head: Head | None = None

    def feed(self, data: bytes) -> list[Message]:
        """Returns the messages that are complete now.

        Raises:
            Garbled: these are no messages.
        """
        self._buffer += data
        found = []
        while (message := self._next()) is not None:
            found.append(message)
        return found

    def _next(self) -> Message | None:
        if not self.begun and not self._skip_noise():
            return None
        if self._head is None:
            self._head = self._take_head()
        if self._head is None:
            return None
        sent, size = (_size(self._head, key, self.most) for key in ("bytes", "size"))
        if len(self._buffer) < sent:
            return None
        head, self._head = self._head, None
        with memoryview(self._buffer)[:sent] as view:
            body = bytes(view)
        del self._buffer[:sent]
        return Message(head, body if sent == size else _grown(body, size))

    def _skip_noise(self) -> bool:
        place = (b"\n" + self._buffer).find(SENTINEL)
        if place < 0:
            if len(self._buffer) > MOST_NOISE:
                raise Garbled(f"it prints more than {MOST_NOISE} bytes before it begins")
            return False
        self.noise = bytes(self._buffer[: max(0, place - 1)])
        del self._buffer[: place - 1 + len(SENTINEL)]
        self.begun = True
        return True

    def _take_head(self) -> Head | None:
        end = self._buffer.find(b"\n", 0, MOST_HEAD)
        if end < 0:
            if len(self._buffer) >= MOST_HEAD:
                raise Garbled(f"a line of more than {MOST_HEAD} bytes")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            head = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Garbled(f"not JSON: {line[:60]!r}") from error
        if not isinstance(head, dict):
            raise Garbled(f"not an object: {line[:60]!r}")
        return head


def _size(head: Head, key: str, most: int) -> int:
    value = head.get(key, 0)
    if type(value) is not int or not 0 <= value <= most:
        raise Garbled(f"{key} {value!r:.60}")
    return value


def _grown(body: bytes, size: int) -> bytes:
    expander = zlib.decompressobj()
    try:
        grown = expander.decompress(body, size + 1)
    except zlib.error as error:
        raise Garbled(str(error)) from error
    if len(grown) != size or not expander.eof or expander.unused_data:
        raise Garbled(f"not the {size} bytes that were announced")
    return grown

"""How commands, server and nodes talk: one JSON document a line over a unix socket."""

from __future__ import annotations

import json
import os
import socket

TYPE_CHECKING = False  # what typing and pathlib cost at the start, each command would pay
if TYPE_CHECKING:
    from typing import Any, TypeAlias

Message: TypeAlias = "dict[str, Any]"
Base: TypeAlias = "str | os.PathLike[str]"


class Told(Exception):
    """A command ends with these words on stderr and this exit code."""

    def __init__(self, words: str, code: int) -> None:
        super().__init__(words)
        self.words, self.code = words, code


def server_socket(base: Base) -> str:
    return os.path.join(base, "server.sock")


def connect(base: Base) -> socket.socket:
    """A connection to the server.

    Raises:
        OSError: it is down.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(server_socket(base))
    except OSError:
        connection.close()
        raise
    return connection


def packed(message: Message) -> bytes:
    return json.dumps(message).encode() + b"\n"


def ask(base: Base, message: Message) -> Message:
    """The server's answer to one question.

    Raises:
        OSError: it is down, or went down meanwhile.
    """
    with connect(base) as connection:
        connection.sendall(packed(message))
        with connection.makefile("rb") as answers:
            line = answers.readline()
    if not line.endswith(b"\n"):
        raise ConnectionError("no answer")
    answer: Message = json.loads(line)
    return answer

"""How commands, server and nodes talk: one JSON document a line over a unix socket."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

Message = dict[str, Any]


def server_socket(base: Path) -> Path:
    return base / "server.sock"


def connect(base: Path) -> socket.socket:
    """A connection to the server.

    Raises:
        OSError: it is down.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(server_socket(base)))
    except OSError:
        connection.close()
        raise
    return connection


def packed(message: Message) -> bytes:
    return json.dumps(message).encode() + b"\n"


def ask(base: Path, message: Message) -> Message:
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

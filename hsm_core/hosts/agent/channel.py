"""Defines the two-way stream over which an agent is spoken to, and makes one of a local command's pipes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import Protocol

from hsm_core.errors import HostTrouble

#: Bytes of what is said beside the stream that are kept, from the end.
MOST_SAID = 8192
_READ = 1 << 16
#: Seconds that a command has to end once its stream has.
_ENDING_S = 2.0


class Channel(Protocol):
    """A command's input and output, wherever it runs."""

    def read(self, timeout_s: float) -> bytes | None:
        """Returns what came; None: nothing within this time; empty: nothing more will come."""

    def write(self, data: bytes) -> None:
        """Sends all of it.

        Raises:
            OSError: the stream is broken.
        """

    def said(self) -> str:
        """Returns what the command, or the connection, said on standard error."""

    def code(self) -> int | None:
        """Returns how the command ended; None if nobody knows, or it still runs."""

    def trouble(self) -> HostTrouble | None:
        """Returns why there is no connection, if that is known."""

    def close(self) -> None:
        """Ends the stream; safe to call twice, and while another thread reads or writes."""


class PipeChannel:
    """A command of this machine, such as ``ssh``.

    Args:
        argv: the command; it gets no terminal, so it can't ask anybody.
        env: its variables; None: ours.

    Raises:
        OSError: it can't be started.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            list(argv), env=None if env is None else dict(env), start_new_session=True, bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        pipes = self._process.stdin, self._process.stdout, self._process.stderr
        self._in, self._out, self._err = (pipe for pipe in pipes if pipe is not None)
        self._said = b""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def read(self, timeout_s: float) -> bytes | None:
        try:
            ready, _, _ = select.select([self._out], [], [], timeout_s)
            return os.read(self._out.fileno(), _READ) if ready else None
        except (OSError, ValueError):  # closed meanwhile
            return b""

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._in.fileno(), view) :]

    def said(self) -> str:
        self._listener.join(_ENDING_S)
        return self._said.decode("utf-8", "replace").strip()

    def code(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(_ENDING_S)
        return None

    def trouble(self) -> HostTrouble | None:
        return None

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._listener.join(_ENDING_S)
        for pipe in (self._in, self._out, self._err):
            with contextlib.suppress(OSError):
                pipe.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := os.read(self._err.fileno(), _READ):
                self._said = (self._said + data)[-MOST_SAID:]

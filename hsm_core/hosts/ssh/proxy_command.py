"""Connects through a command of the SSH configuration, its ``ProxyCommand``, which can't ask anybody for anything."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading

from hsm_core.errors import HostClosed

from .ssh_config import Target

_ENDING_S, _MOST_SAID = 2.0, 400


class ProxySocket(socket.socket):
    """The input and output of a command as a socket; closing it ends the command.

    It gets no terminal: what runs in it, mostly another ssh, would ask there for a password or a host key.

    Raises:
        HostClosed: the command can't be run.
    """

    def __init__(self, target: Target) -> None:
        ours, theirs = socket.socketpair()
        super().__init__(fileno=ours.detach())
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the socket
        self._words, self._closing = b"", threading.Lock()
        shell = os.environ.get("SHELL") or "/bin/sh"
        try:
            self._process = subprocess.Popen(
                [shell, "-c", f"exec {expanded(target)}"], stdin=theirs.fileno(), stdout=theirs.fileno(),
                stderr=self._said, start_new_session=True, env={**os.environ, "SSH_ASKPASS_REQUIRE": "never"},
            )  # fmt: skip
        except OSError as error:
            super().close()
            self._said.close()
            raise HostClosed(f"the ProxyCommand of {target.name} can't be run", evidence=str(error)) from error
        finally:
            theirs.close()

    def said(self) -> str:
        """Returns what the command said on standard error; ends it, if it has not ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDING_S)
        self.close()
        return " ".join(self._words.decode("utf-8", "replace").split())[-_MOST_SAID:]

    def close(self) -> None:
        super().close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with self._closing:  # paramiko's thread closes it, too
            if not self._said.closed:
                self._said.seek(0)
                self._words = self._said.read()
                self._said.close()


def expanded(target: Target) -> str:
    """Returns the command with what ssh_config(5) calls tokens replaced."""
    tokens = {"h": target.host, "n": target.name, "p": str(target.port), "r": target.user, "%": "%"}
    return re.sub("%([hnpr%])", lambda match: tokens[match[1]], target.proxy_command or "")

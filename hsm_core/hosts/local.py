"""This machine: commands run here."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class LocalHost:
    """Starts processes on this machine that live on without us."""

    def __init__(self) -> None:
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, argv: Sequence[str], env: Mapping[str, str], log: Path) -> int:
        """Start a process in a session of its own, its output appended to ``log``.

        Returns:
            its process id.

        Raises:
            OSError: it can't be started.
        """
        with open(log, "ab") as stream:
            process = subprocess.Popen(
                list(argv), env=dict(env), stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
                start_new_session=True,
            )  # fmt: skip
        self._children[process.pid] = process
        return process.pid

    def exit_code(self, pid: int) -> int | None:
        """How a process that we started ended; None while it runs, or if another started it."""
        process = self._children.get(pid)
        return process.poll() if process else None

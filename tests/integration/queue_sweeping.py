"""A sweeping app whose tasks run as jobs of a batch system."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from tests.waiting import wait_until

from .sweeping import SweepingApp

#: Makes a job see another host name than the launcher's: all nodes of the tests are this machine.
_AS_NODE = """#!/bin/sh
exec unshare --uts sh -c 'hostname "{host}"; exec "$0" "$@"' {python} "$@"
"""


class QueueApp(SweepingApp):
    """See ``SweepingApp``."""

    def __init__(self, folder: Path, launcher: tuple[str, ...]) -> None:
        super().__init__(folder, launcher)
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *overrides: str, gate: bool = True) -> subprocess.Popen[str]:
        process = super().start(*overrides, gate=gate)
        self._started.append(process)
        return process

    def end(self) -> None:
        """Leave no launcher behind, also where a test failed."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def native_ids(self) -> list[str]:
        """Of the jobs that began the tasks."""
        state = self.state()
        return [state.native_id_of(number) for number in range(state.total)]

    def handed(self) -> list[str]:
        """Native ids of what was submitted."""
        return [submission.native_id for submission in self.state().jobs.submissions() if submission.native_id]

    def handed_yet(self) -> list[str]:
        """Native ids of what was submitted, or nothing while there is no sweep yet."""
        return self.handed() if (self.sweep / ".hsm" / "sweep.json").exists() else []

    def wait_for_handed(self, count: int, timeout: float = 30.0) -> list[str]:
        told = f"{count} submissions"
        return wait_until(lambda: found if len(found := self.handed_yet()) >= count else [], timeout, told)


def python_on_node(folder: Path, host: str) -> Path:
    """An interpreter that sees a host name of its own.

    Args:
        host: shell for the name.
    """
    script = folder / "python-on-node"
    script.write_text(_AS_NODE.format(host=host, python=shlex.quote(sys.executable)))
    script.chmod(0o755)
    return script


def finish(process: subprocess.Popen[str], timeout: float = 90) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err

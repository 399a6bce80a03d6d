"""A sweeping app whose tasks run on a real Slurm, and what its tests do to that."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hsm_core.hosts.local import LocalHost
from hsm_core.overrides import hydra_text
from tests.services.cluster import Cluster

from .queue_sweeping import QueueApp, python_on_node
from .sweeping import SLURM

_VERSION = '[ "$1" != --version ] || exec "$REAL" "$@"'


class SlurmApp(QueueApp):
    """See ``SweepingApp``; its workers are on other hosts than its launcher, as on a cluster."""

    def __init__(self, folder: Path, cluster: Cluster, *launcher: str) -> None:
        self.cluster = cluster
        on_node = f"hydra.launcher.python={hydra_text(str(python_on_node(folder, '$SLURMD_NODENAME')))}"
        super().__init__(folder, (*SLURM, on_node, "hydra.launcher.mem_gb=0.3", *launcher))

    def end(self) -> None:
        """Leave nothing behind, also where a test failed."""
        super().end()
        LocalHost().run(["scancel", "--full", "--signal=KILL", "-u", str(os.getuid())], 30)
        LocalHost().run(["scancel", "-u", str(os.getuid())], 30)

    def kill_worker(self, task: int, number: int = signal.SIGKILL) -> None:
        """Kill the process that runs a task's tasks; nodes have their own host names, and our process numbers."""
        state = self.state()
        os.kill(int(state.writers[state.tasks[task].worker].head.process.pid), number)

    def node_of(self, task: int) -> int:
        state = self.state()
        host = str(state.writers[state.tasks[task].worker].head.process.host)
        return int(host.removeprefix("node"))


@contextmanager
def slurm_app(folder: Path, cluster: Cluster, *launcher: str) -> Iterator[SlurmApp]:
    app = SlurmApp(folder, cluster, *launcher)
    try:
        yield app
    finally:
        app.end()


def ask(*argv: object) -> str:
    """What one of Slurm's commands prints."""
    done = LocalHost().run([str(word) for word in argv], 60)
    assert done.code == 0, done.evidence
    return done.out.strip()


def words() -> dict[str, str]:
    """The states of all jobs that Slurm still knows, by id."""
    rows = (line.split() for line in ask("squeue", "-h", "-r", "-t", "all", "-o", "%i %T").splitlines())
    return {row[0]: row[1] for row in rows}


def wrapped(folder: Path, command: str, body: str) -> str:
    """A PATH on which a command is a script; ``$REAL`` in it is the real one, which tells its version itself."""
    folder.mkdir(exist_ok=True)
    real = ask("which", command)
    script = folder / command
    script.write_text(f"#!/bin/bash\nREAL={shlex.quote(real)}\n{_VERSION}\n{body}\n")
    script.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"

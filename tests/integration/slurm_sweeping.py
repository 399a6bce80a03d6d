"""A sweeping app whose tasks run on a real Slurm, and what its tests do to that."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hsm_core.hosts.command import run
from tests.services.cluster import Cluster
from tests.waiting import wait_until

from .sweeping import SLURM, SweepingApp

#: Makes a job see another host name than the launcher's: all nodes of the tests' cluster are this machine.
_AS_NODE = """#!/bin/sh
exec unshare --uts sh -c 'hostname "$SLURMD_NODENAME"; exec "$0" "$@"' {python} "$@"
"""


class SlurmApp(SweepingApp):
    """See ``SweepingApp``; its workers are on other hosts than its launcher, as on a cluster."""

    def __init__(self, folder: Path, cluster: Cluster, *launcher: str) -> None:
        as_node = folder / "python-on-node"
        as_node.write_text(_AS_NODE.format(python=shlex.quote(sys.executable)))
        as_node.chmod(0o755)
        self.cluster = cluster
        on_node = f"hydra.launcher.python={hydra_word(as_node)}"
        super().__init__(folder, (*SLURM, on_node, "hydra.launcher.mem_gb=0.3", *launcher))
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *overrides: str, gate: bool = True) -> subprocess.Popen[str]:
        process = super().start(*overrides, gate=gate)
        self._started.append(process)
        return process

    def end(self) -> None:
        """Leave nothing behind, also where a test failed."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.communicate()
        run(["scancel", "--full", "--signal=KILL", "-u", str(os.getuid())], 30)
        run(["scancel", "-u", str(os.getuid())], 30)

    def native_ids(self) -> list[str]:
        """Of the jobs that began the tasks."""
        state = self.state()
        return [state.native_id_of(number) for number in range(state.total)]

    def handed(self) -> list[str]:
        """Native ids of what was submitted."""
        lines = self.state().jobs.submissions()
        return [str(line["native_id"]) for line in lines if line.get("native_id")]

    def wait_for_handed(self, count: int, timeout: float = 30.0) -> list[str]:
        told = f"{count} submissions"
        return wait_until(lambda: found if len(found := self._handed_yet()) >= count else [], timeout, told)

    def _handed_yet(self) -> list[str]:
        return self.handed() if (self.sweep / ".hsm" / "sweep.json").exists() else []

    def kill_worker(self, task: int, number: int = signal.SIGKILL) -> None:
        """Kill the process that runs a task's tasks; nodes have their own host names, and our process numbers."""
        state = self.state()
        os.kill(int(state.writers[state.tasks[task].worker].head["pid"]), number)

    def node_of(self, task: int) -> int:
        state = self.state()
        host = str(state.writers[state.tasks[task].worker].head["host"])
        return int(host.removeprefix("node"))


@contextmanager
def slurm_app(folder: Path, cluster: Cluster, *launcher: str) -> Iterator[SlurmApp]:
    app = SlurmApp(folder, cluster, *launcher)
    try:
        yield app
    finally:
        app.end()


def hydra_word(path: Path) -> str:
    from hsm_core.cli.relaunch import hydra_text

    return hydra_text(str(path))


def ask(*argv: object) -> str:
    """What one of Slurm's commands prints."""
    done = run([str(word) for word in argv], 60)
    assert done.code == 0, done.evidence
    return done.out.strip()


def words() -> dict[str, str]:
    """The states of all jobs that Slurm still knows, by id."""
    rows = (line.split() for line in ask("squeue", "-h", "-r", "-t", "all", "-o", "%i %T").splitlines())
    return {row[0]: row[1] for row in rows}


def wrapped(folder: Path, command: str, body: str) -> str:
    """A PATH on which a command is a script; ``$REAL`` in it is the real one."""
    folder.mkdir(exist_ok=True)
    real = ask("which", command)
    script = folder / command
    script.write_text(f"#!/bin/bash\nREAL={shlex.quote(real)}\n{body}\n")
    script.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def finish(process: subprocess.Popen[str], timeout: float = 90) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err

"""A sweeping app whose tasks run as jobs of a PBS that runs scripts, in either flavour."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hsm_core.cli.relaunch import hydra_text
from hsm_core.schedulers.pbs import Pbs as Dialect
from tests.services.pbs.pbs import Pbs
from tests.waiting import wait_until

from .sweeping import PBS, SweepingApp

#: Makes a job see another host name than the launcher's: all nodes of the tests' PBS are this machine.
_AS_NODE = """#!/bin/sh
exec unshare --uts sh -c 'hostname "$(head -n1 "$PBS_NODEFILE")"; exec "$0" "$@"' {python} "$@"
"""


class PbsApp(SweepingApp):
    """See ``SweepingApp``.

    Args:
        elsewhere: its workers are on other hosts than its launcher, as on a cluster, so that nobody but PBS
            can tell whether they are dead.
    """

    def __init__(self, folder: Path, server: Pbs, *launcher: str, elsewhere: bool = False) -> None:
        self.server = server
        on_node = [f"hydra.launcher.python={hydra_text(str(_as_node(folder)))}"] if elsewhere else []
        super().__init__(folder, (*PBS, *on_node, *launcher))
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *overrides: str, gate: bool = True) -> subprocess.Popen[str]:
        process = super().start(*overrides, gate=gate)
        self._started.append(process)
        return process

    def end(self) -> None:
        """Leave no launcher behind, also where a test failed; jobs are the server's, which is healed."""
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
        lines = self.state().jobs.submissions()
        return [str(line["native_id"]) for line in lines if line.get("native_id")]

    def wait_for_handed(self, count: int, timeout: float = 30.0) -> list[str]:
        return wait_until(
            lambda: found if len(found := self.handed_yet()) >= count else [], timeout, what="a submission"
        )

    def handed_yet(self) -> list[str]:
        """Native ids of what was submitted, or nothing while there is no sweep yet."""
        return self.handed() if (self.sweep / ".hsm" / "sweep.json").exists() else []

    def element(self, whole: str, index: int) -> str:
        return whole.replace("[]", f"[{index}]")

    def counted(self) -> dict[int, int]:
        """How often each task's function began."""
        return {x: len(found) for x, found in self.intervals().items()}

    def reasons(self) -> list[tuple[str, str]]:
        """State and reason of each task."""
        state = self.state()
        return [(state.state_of(n), str(state.ending_of(n).get("reason", ""))) for n in range(state.total)]

    def queued(self) -> list[str]:
        """Ids of what waits or runs, by element."""
        return [sight.native_id for sight in Dialect(self.server.knobs.flavour).queue()]


@contextmanager
def pbs_app(folder: Path, server: Pbs, *launcher: str, elsewhere: bool = False) -> Iterator[PbsApp]:
    app = PbsApp(folder, server, *launcher, elsewhere=elsewhere)
    try:
        yield app
    finally:
        app.end()


def finish(process: subprocess.Popen[str], timeout: float = 90) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


def _as_node(folder: Path) -> Path:
    as_node = folder / "python-on-node"
    as_node.write_text(_AS_NODE.format(python=shlex.quote(sys.executable)))
    as_node.chmod(0o755)
    return as_node

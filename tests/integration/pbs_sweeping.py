"""A sweeping app whose tasks run as jobs of a PBS that runs scripts, in either flavour."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hsm_core.hosts.local import LocalHost
from hsm_core.overrides import hydra_text
from hsm_core.schedulers.pbs.dialect import Pbs as Dialect
from tests.services.pbs.pbs import Pbs

from .queue_sweeping import QueueApp, python_on_node
from .sweeping import PBS


class PbsApp(QueueApp):
    """See ``SweepingApp``.

    Args:
        elsewhere: its workers are on other hosts than its launcher, as on a cluster, so that nobody but PBS
            can tell whether they are dead.
    """

    def __init__(self, folder: Path, server: Pbs, *launcher: str, elsewhere: bool = False) -> None:
        self.server = server
        on_node = []
        if elsewhere:
            python = python_on_node(folder, '$(head -n1 "$PBS_NODEFILE")')
            on_node = [f"hydra.launcher.python={hydra_text(str(python))}"]
        super().__init__(folder, (*PBS, *on_node, *launcher))

    def element(self, whole: str, index: int) -> str:
        return whole.replace("[]", f"[{index}]")

    def counted(self) -> dict[int, int]:
        """How often each task's function began."""
        return {x: len(found) for x, found in self.intervals().items()}

    def reasons(self) -> list[tuple[str, str]]:
        """State and reason of each task."""
        state = self.state()
        return [(state.state_of(n), str(getattr(state.end_of(n), "reason", None) or "")) for n in range(state.total)]

    def queued(self) -> list[str]:
        """Ids of what waits or runs, by element."""
        return [status.native_id for status in Dialect(self.server.knobs.flavour, LocalHost()).queue()]


@contextmanager
def pbs_app(folder: Path, server: Pbs, *launcher: str, elsewhere: bool = False) -> Iterator[PbsApp]:
    app = PbsApp(folder, server, *launcher, elsewhere=elsewhere)
    try:
        yield app
    finally:
        app.end()

"""One sweep here and on a real Slurm, by the launcher hsm_sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.hosts.local import LocalHost
from hsm_core.overrides import hydra_text
from tests.integration.queue_sweeping import QueueApp, finish, python_on_node
from tests.services.cluster import Cluster
from tests.waiting import wait_until

pytestmark = pytest.mark.slurm


@pytest.fixture
def app(slurm: Cluster, weird_tmp_path: Path) -> Iterator[QueueApp]:
    python = hydra_text(str(python_on_node(weird_tmp_path, "$SLURMD_NODENAME")))
    own = f"{{source:slurm,at_most:3,mem_gb:0.3,python:{python}}}"
    made = QueueApp(weird_tmp_path, ("hydra/launcher=hsm_sources", f"hydra.launcher.sources=[local:2,{own}]"))
    yield made
    made.end()
    LocalHost().run(["scancel", "--full", "--signal=KILL", "--me"], 30)
    LocalHost().run(["scancel", "--me"], 30)


def ran_at(app: QueueApp) -> Counter[str]:
    """How many tasks ran at which source."""
    state = app.state()
    heads = {worker.name: worker.head for worker in state.workers()}
    return Counter(getattr(heads[task.worker], "source", "") for task in state.tasks.values() if task.worker)


def test_here_and_slurm_share_a_sweep(app: QueueApp) -> None:
    process = app.start("x=range(14)")
    wait_until(lambda: (app.sweep / ".hsm/sweep.json").exists() and len(ran_at(app)) == 2, 60.0, "tasks at both")
    assert 3 <= sum(ran_at(app).values()) <= 5, "no more than were allowed"
    app.open_gate()
    code, _, told = finish(process)
    assert code == 0, told
    assert "✓ 14 completed" in told
    assert sum(ran_at(app).values()) == 14
    assert {x: len(found) for x, found in app.intervals().items()} == dict.fromkeys(range(14), 1)


@pytest.mark.slow
def test_what_begins_here_is_completed_in_both(app: QueueApp) -> None:
    sources, app.launcher = app.launcher, ("hydra/launcher=hsm_local", "hydra.launcher.slots=1")
    process = app.start("x=range(8)")
    wait_until(lambda: (app.sweep / ".hsm/sweep.json").exists() and len(ran_at(app)) == 1, 60.0, "a task here")
    process.kill()
    process.communicate()
    app.open_gate()
    done = app.resume("--sources", sources[1].partition("=")[2])
    assert done.returncode == 0, done.stderr
    assert app.states() == {"completed": 8}

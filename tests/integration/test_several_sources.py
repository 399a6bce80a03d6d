"""One sweep in several places, by the launcher hsm_sources: here, and on machines behind SSH."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.overrides import hydra_text
from tests.integration.ssh_sweeping import PYTHON, SshApp, with_hydra
from tests.services.fleet import Fleet
from tests.waiting import wait_until

pytestmark = pytest.mark.sshd


class SeveralApp(SshApp):
    """The app, with one slot here and two hosts."""

    is_here = True

    def command(self, *overrides: str) -> list[str]:
        hosts = [
            f"{{source:ssh,host:{name},at_most:{slots},python:{PYTHON}}}"
            for name, slots in {"h1": 2, "h2": 1}.items()
        ]
        named = ["local:1", *hosts] if self.is_here else hosts
        self._launcher = [
            "hydra/launcher=hsm_sources", f"hydra.launcher.sources=[{','.join(named)}]",
            f"hydra.launcher.ssh_config={hydra_text(str(self.fleet.ssh_config))}",
        ]  # fmt: skip
        return super().command(*overrides)


@pytest.fixture
def app(fleet: Fleet, weird_tmp_path: Path) -> Iterator[SeveralApp]:
    with_hydra(fleet)
    made = SeveralApp(weird_tmp_path / "app", fleet, {})
    yield made
    made.end()


def test_here_and_two_hosts_share_a_sweep_and_its_results_look_the_same(app: SeveralApp) -> None:
    done = app.run("x=range(16)", "bad=4", "witness=/tmp/hsm-seen")
    assert "✓ 15 completed  ✗ 1 failed" in done.stdout + done.stderr
    state = app.state()
    assert {name: one.kind for name, one in state.sources.items()} == {"local": "pool", "h1": "host", "h2": "host"}
    heads = {worker.name: worker.head for worker in state.workers()}
    ran = Counter(getattr(heads[task.worker], "source", "") for task in state.tasks.values())
    assert ran.keys() == {"local", "h1", "h2"}
    assert {(app.sweep / str(number) / "model.txt").exists() for number in range(16)} == {True}
    assert app.hsm("results", str(app.sweep), "--format", "csv").stdout.count("\n") == 17


def test_a_host_that_is_drained_ends_what_it_runs_and_gets_nothing_more(app: SeveralApp) -> None:
    app.is_here = False
    running = app.start("x=range(12)", "gate=/tmp/seen/gate")
    app.wait_for_seen(3)
    assert "there are: h1, h2" in app.hsm("sources", str(app.sweep), "--drain", "h3").stderr
    done = app.hsm("sources", str(app.sweep), "--drain", "h1")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: "h1 gets no more tasks" in app.hsm("logs", str(app.sweep)).stdout, 60.0, "the drain")
    app.open_gate()
    _, told = running.communicate(timeout=90)
    assert "✓ 12 completed" in told
    state = app.state()
    heads = {worker.name: worker.head for worker in state.workers()}
    ran = Counter(getattr(heads[task.worker], "source", "") for task in state.tasks.values())
    assert 2 <= ran["h1"] <= 3, "what it held"
    assert {line.split()[0] for line in app.hsm("sources", str(app.sweep)).stdout.splitlines()} >= {"h1", "h2"}

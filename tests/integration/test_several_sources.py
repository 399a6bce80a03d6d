"""One sweep in several places, by the launcher hsm_sources: here, and on machines behind SSH."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.overrides import hydra_text
from tests.integration.ssh_sweeping import PYTHON, SshApp, with_hydra
from tests.services.fleet import Fleet

pytestmark = pytest.mark.sshd


class SeveralApp(SshApp):
    """The app, with one slot here and two hosts."""

    def command(self, *overrides: str) -> list[str]:
        hosts = [
            f"{{source:ssh,host:{name},at_most:{slots},python:{PYTHON}}}"
            for name, slots in {"h1": 2, "h2": 1}.items()
        ]
        self._launcher = [
            "hydra/launcher=hsm_sources", f"hydra.launcher.sources=[local:1,{','.join(hosts)}]",
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

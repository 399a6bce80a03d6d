"""What code and which folders tasks have on real hosts behind SSH."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.overrides import hydra_text
from tests.integration.ssh_sweeping import SshApp, with_hydra
from tests.services.fleet import Fleet

pytestmark = pytest.mark.sshd


@pytest.fixture
def app(fleet: Fleet, weird_tmp_path: Path) -> Iterator[SshApp]:
    with_hydra(fleet)
    made = SshApp(weird_tmp_path / "app", fleet, {"h1": 2})
    yield made
    fleet("exec", 1, "rm", "-rf", "/home/sweeper/project", "/tmp/data")
    made.end()


def test_folders_that_a_host_has_elsewhere_are_mapped(app: SshApp) -> None:
    data = app.folder.parent / "data"
    data.mkdir()
    app.fleet("exec", 1, "mkdir", "-p", "/tmp/data/a")
    for name in ("a", "b"):
        (data / name).mkdir()
    script = app.folder / "train.py"
    script.write_text(script.read_text().replace('"hello", cfg.x', "os.listdir(cfg.data), cfg.data"))
    pairs = f"hydra.launcher.path_map=[{{local:{hydra_text(str(data))},remote:/tmp/data}}]"
    done = app.run(pairs, "+root=" + hydra_text(str(data)), "+data=${root}/a", "x=1")
    assert done.returncode == 0, done.stderr
    assert "does not have" not in done.stderr
    assert (app.sweep / "0/.hsm/stdout.log").read_text().startswith("[] /tmp/data/a\n")
    assert "root: /tmp/data\n" in (app.sweep / "0/.hydra/config.yaml").read_text()
    names = ",".join(hydra_text(str(data / name)) for name in ("a", "b"))
    done = app.run(pairs, f"+data={names}")
    assert "warning: h1 does not have what the config names here: data=/tmp/data/b\n" in done.stderr
    assert "hydra.launcher.path_map=[{local:" in done.stderr

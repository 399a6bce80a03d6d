"""A primary config that takes the sweeper away from a sweep file is named before Hydra fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hsm_core.hydra_bridge.sweeper_hint import overridden
from hsm_core.hydra_bridge.swept_settings import swept_settings
from tests.unit.hydra_bridge.sweeping import sweeper_file, write_app

ROOT = Path(__file__).parents[3]
APP = """
import hydra
@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(config): print("seed", config.seed)
main()
"""


@pytest.fixture
def app(weird_tmp_path: Path) -> Path:
    conf = write_app(weird_tmp_path, seeds=sweeper_file("grid: {seed: [1, 2]}"))
    (weird_tmp_path / "train.py").write_text(APP)
    override = "override hydra/sweeper: basic"
    (conf / "other.yaml").write_text(f"defaults: [_self_, model: cnn, {override}]\nseed: 0\n")
    listed = f"defaults: [_self_, model: cnn, optional sweep: seeds, {override}]\nseed: 0\n"
    (conf / "listed.yaml").write_text(listed)
    return weird_tmp_path


def start(app: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "train.py", *arguments, "hydra.sweep.dir=out"]
    return subprocess.run(command, cwd=app, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)


def test_the_user_is_told_which_file_and_what_to_type(app: Path) -> None:
    done = start(app, "-m", "-cn", "listed")
    assert "Key 'grid' not in 'BasicSweeperConf'" in done.stderr
    assert "listed.yaml sets the sweeper to 'basic'" in done.stderr
    assert "hydra/sweeper=hsm" in done.stderr
    cured = start(app, "-m", "-cn", "listed", "hydra/sweeper=hsm", "hydra.sweeper.dry_run=true")
    assert cured.returncode == 0, cured.stderr
    assert "= 2 tasks" in cured.stdout
    assert "sets the sweeper" not in cured.stderr


@pytest.mark.parametrize(
    ("primary", "arguments", "told"),
    [
        ("other", ["-m", "+sweep=seeds"], True),
        ("other.yaml", ["-m", "sweep=[seeds]"], True),
        ("config", ["-m", "+sweep=seeds"], False),
        (None, ["-m", "+sweep=seeds"], False),
        ("other", ["+sweep=seeds"], False),
        ("other", ["-m", "seed=1,2"], False),
        ("listed", ["-m", "seed=1,2"], True),
        ("listed", ["-m", "sweep=none"], False),
        ("listed", ["-m", "~sweep"], False),
        ("other", ["-m", "+sweep=seeds", "hydra/sweeper=optuna"], False),
    ],
)
def test_only_a_sweep_that_loses_its_sweeper_is_warned_about(
    app: Path, primary: str | None, arguments: list[str], told: bool
) -> None:
    for place in (str(app / "conf"), f"file://{app / 'conf'}"):
        assert (overridden([place], arguments, primary) is not None) is told


def test_a_config_that_is_not_in_use_says_nothing(app: Path) -> None:
    done = start(app, "-m", "+sweep=seeds")
    assert done.returncode == 0, done.stderr
    assert "sets the sweeper" not in done.stderr


def test_the_warning_and_the_failure_go_together(app: Path) -> None:
    done = start(app, "-m", "-cn", "other", "+sweep=seeds")
    assert ("sets the sweeper" in done.stderr) is (done.returncode != 0)


def test_configs_in_packages_are_found(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(app))
    arguments = ["-m", "+sweep=seeds"]
    assert overridden(["pkg://conf"], arguments, "other") is not None
    assert overridden(["pkg://no_such_package.conf", "pkg://no_such_package"], arguments, "other") is None


def test_a_list_typed_for_hydra_gets_its_brackets(app: Path) -> None:
    done = start(
        app, "-m", "hydra.launcher.tags=a,b", "hydra.launcher.gpus=0,1", "hydra/launcher=basic,joblib"
    )
    assert "'hydra.launcher.tags=[a,b]'" in done.stderr
    assert "'hydra.launcher.gpus=[0,1]'" in done.stderr
    assert "fix: hydra/launcher=basic    # one value" in done.stderr
    ((_, fix),) = swept_settings(["hydra.launcher.mail_type=BEGIN,END"])
    assert "'hydra.launcher.mail_type=\"BEGIN,END\"'" in fix


@pytest.mark.parametrize(
    "word", ["hydra.launcher.tags=[a,b]", "hydra.job.name='a,b'", "seed=1,2", "hydra.x={a:1,b:2}"]
)
def test_what_is_no_sweep_over_hydra_is_left_alone(word: str) -> None:
    assert list(swept_settings(["-m", word])) == []

"""A dry run shows the sweep and does nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hsm_core.hydra_bridge.preview import command_of, dry_run_lines
from tests.unit.hydra_bridge.sweeping import run_sweep, sweeper_file, write_app

ROOT = Path(__file__).parents[3]
APP = """
import hydra
@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(config): print("alone", config.model.name, config.seed, config.lr)
main()
"""


def start(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    return subprocess.run(arguments, cwd=directory, env=env, capture_output=True, text=True)


def test_a_dry_run_shows_all_and_the_command_it_shows_works(weird_tmp_path: Path) -> None:
    grid = "grid: {model: [cnn, vit], lr: [1, 2, 3], seed: 'range(0,5)'}"
    text = f"name: try\n{grid}\nexclude: model == 'vit' and lr == 3 and seed < 4"
    write_app(weird_tmp_path, ablation=sweeper_file(text))
    (weird_tmp_path / "train.py").write_text(APP)
    before = sorted(weird_tmp_path.rglob("*"))
    done = start(
        weird_tmp_path, sys.executable, "train.py", "-m", "+sweep=ablation", "hydra.sweeper.dry_run=true"
    )
    assert done.returncode == 0, done.stderr
    assert sorted(weird_tmp_path.rglob("*")) == before
    lines = done.stdout.splitlines()
    assert lines[0] == "Sweep try: 2 model × 3 lr × 5 seed = 30, exclude removes 4 → 26 tasks"
    assert "  #0  model=cnn lr=1 seed=0 +sweep=ablation" in lines
    assert "  #25 model=vit lr=3 seed=4 +sweep=ablation" in lines
    assert "launcher: basic" in lines
    command = next(line for line in lines if line.endswith("hydra.mode=RUN")).strip()
    alone = start(weird_tmp_path, "sh", "-c", command)
    assert "alone cnn 0 1" in alone.stdout


@pytest.mark.usefixtures("hydra_restore_singletons")
@pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning")
def test_an_api_user_sees_overrides_instead_of_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = write_app(tmp_path)
    assert run_sweep(conf, ["hydra/sweeper=hsm", "seed=1,2", "hydra.sweeper.dry_run=true"]) == []
    assert "overrides=['seed=1', 'hydra.mode=RUN']" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("hydra_restore_singletons")
@pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning")
def test_a_dry_run_finds_mistakes_too(tmp_path: Path) -> None:
    conf = write_app(tmp_path)
    with pytest.raises(Exception, match="no choice 'vitt'"):
        run_sweep(conf, ["hydra/sweeper=hsm", "model=cnn,vitt", "hydra.sweeper.dry_run=true"])


def test_many_tasks_are_shortened_in_the_middle() -> None:
    lines = list(
        dry_run_lines("s: 9", [(f"a={number}",) for number in range(9)], (), ["a=range(0,9)"], ["preview"])
    )
    assert lines[1:7] == ["  #0 a=0", "  #1 a=1", "  #2 a=2", "  …", "  #7 a=7", "  #8 a=8"]
    assert lines[-2:] == ["preview", "Dry run: nothing was started or written."]


@pytest.mark.parametrize(
    ("started", "expected"),
    [
        (
            [
                "python",
                "train.py",
                "-m",
                "hydra/launcher=hsm_pbs",
                "+sweep=x",
                "hydra.sweeper.limit=2",
                "-cn",
                "other",
            ],
            "python train.py -cn other lr=0.1 '+name=a b' hydra.mode=RUN",
        ),
        (
            ["python", "-W", "error", "-m", "pkg.app", "--multirun", "+sweep=x", "hydra.job.chdir=true"],
            "python -W error -m pkg.app hydra.job.chdir=true lr=0.1 '+name=a b' hydra.mode=RUN",
        ),
        (["python", "notebook.py"], None),
    ],
)
def test_the_command_of_one_task(started: list[str], expected: str | None) -> None:
    assert command_of(started, ["+sweep=x"], ["lr=0.1", "+name=a b"]) == expected

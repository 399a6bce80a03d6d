"""A sweep file without ``-m`` says that nothing varies; where that is meant, or no sweep was, nothing is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.hydra_bridge.sweeping import sweeper_file, write_app

SCRIPT = """
import hydra
@hydra.main(config_path="conf", config_name="config", version_base="1.3")
def main(cfg):
    print(cfg.seed)
main()
"""


def run(folder: Path, *arguments: str) -> tuple[str, str]:
    """What the app prints, and what is said on standard error."""
    argv = [sys.executable, "-W", "ignore", "app.py", *arguments]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.fixture
def app(weird_tmp_path: Path) -> Path:
    paired = "paired: {p: {lr: [1, 2], seed: [3, 4]}}\ngrid: {batch: [1]}"
    write_app(
        weird_tmp_path,
        seeds=sweeper_file("grid: {seed: [1, 2]}"),
        both=sweeper_file(paired),
        named=sweeper_file("name: x"),
        always=sweeper_file("grid: {seed: [1, 2]}") + "  mode: MULTIRUN\n",
    )
    (weird_tmp_path / "app.py").write_text(SCRIPT)
    return weird_tmp_path


@pytest.mark.parametrize(("file", "axes"), [("seeds", "grid is"), ("both", "grid and paired are")])
def test_a_sweep_file_without_m_says_that_nothing_varies(app: Path, file: str, axes: str) -> None:
    printed, told = run(app, f"+sweep={file}")
    assert printed == "0\n"
    warning, line = told.splitlines()
    assert warning == f"warning: without -m this is a single run; hydra.sweeper.{axes} not used"
    assert line.startswith("  next: ")
    assert line.endswith(f"app.py +sweep={file} -m    # or hydra.mode: MULTIRUN to the sweep file")


@pytest.mark.parametrize(
    "arguments",
    [
        ["+sweep=seeds", "hydra.mode=RUN"], ["+sweep=named"], ["hydra/sweeper=hsm"], [],
        ["+sweep=seeds", "--cfg", "job"], ["-m", "+sweep=seeds"], ["+sweep=always"],
        ["+sweep=always", "--cfg", "job"],
    ],
)  # fmt: skip
def test_nothing_is_said_where_it_is_meant_or_no_sweep_was(app: Path, arguments: list[str]) -> None:
    assert "single run" not in run(app, *arguments)[1]


def test_a_sweep_file_may_say_that_it_is_one(app: Path) -> None:
    """So that ``python app.py +sweep=always`` is all; the command line has the last word."""
    for more in ([], ["-m"]):
        printed, _ = run(app, *more, "+sweep=always")
        assert [printed.count(f"seed={seed}") for seed in (1, 2)] == [1, 1]
    assert run(app, "+sweep=always", "hydra.mode=RUN")[0] == "0\n"


def test_another_launcher_says_what_it_does(app: Path) -> None:
    printed, _ = run(app, "-m", "+sweep=seeds")
    assert "Launcher 'basic' runs the tasks, and keeps no record for hsm" in printed

"""What is started again (resume, retry, hsm command) is what was started: its whole command line, its function."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from .as_basic import hsm, write_app

FAILS_ONCE = """
import hydra, json, os, sys
{top}
def fail_once(cfg):
    if cfg.x == 2 and not os.path.exists("mended"):
        sys.exit("boom")

@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    fail_once(cfg)
    print("told", {told}, cfg.x)
    return 10 + cfg.x

if __name__ == "__main__":
    main()
"""


def sweep(
    folder: Path, script: str, *words: str, config: str = "x: 1\n", start: tuple[str, ...] = (sys.executable,),
    env: Mapping[str, str] = {}, code: int = 3,
) -> None:  # fmt: skip
    """Begin a sweep in which task 1 fails, and mend the cause."""
    write_app(folder, {"app.py": script, "conf/config.yaml": config})
    done = subprocess.run(
        [*start, *words], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
        check=False, env={**os.environ, **env},
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    (folder / "mended").touch()


def retried(folder: Path, root: str = "sweep") -> list[str]:
    """What task 1 prints when it is retried, and when its own line is run."""
    again = hsm(folder, "retry", root)
    assert again.returncode == 0, again.stderr
    (log,) = (folder / root).glob("1/.hsm/stdout.log")
    line = hsm(folder, "command", root, "1")
    assert line.returncode == 0, line.stderr
    words = ["sh", "-c", line.stdout]
    alone = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert alone.returncode == 0, alone.stderr
    return [told.splitlines()[-1] for told in (log.read_text(), alone.stdout)]


LOCAL = ("-m", "hydra/launcher=hsm_local", "hydra.sweep.dir=sweep")
ARGPARSE = """
import argparse
parser = argparse.ArgumentParser(add_help=False)
parser.add_argument("--data")
known, sys.argv[1:] = parser.parse_known_args()
"""
POPPED = "mode = sys.argv.pop()\n"


@pytest.mark.parametrize(
    ("top", "told", "words"),
    [
        (ARGPARSE, "known.data", ["--data", "D 9", *LOCAL, "x=1,2"]),
        (ARGPARSE, "known.data", [*LOCAL, "--data=it's", "x=1,2"]),
        (POPPED, "mode", [*LOCAL, "x=1,2", "fast"]),
        ("sys.argv.append('hydra.job.chdir=false')", "sys.argv[-1]", [*LOCAL, "x=1,2"]),
    ],
)
def test_what_the_app_took_off_its_command_line_is_there_again(
    tmp_path: Path, top: str, told: str, words: list[str]
) -> None:
    sweep(tmp_path, FAILS_ONCE.format(top=top, told=told), "app.py", *words)
    first, alone = retried(tmp_path)
    assert first == alone
    assert not first.startswith("told None")


@pytest.mark.parametrize("is_absolute", [False, True])
def test_an_app_that_changes_its_directory_starts_from_where_it_was_started(
    tmp_path: Path, is_absolute: bool
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "here").write_text("read")
    top = "os.chdir('data')\nprint(open('here').read())"
    script = FAILS_ONCE.format(top=top, told="os.path.relpath(os.getcwd(), os.path.dirname(__file__))")
    script = script.replace('exists("mended")', 'exists("../mended")')
    words = [str(tmp_path / "app.py") if is_absolute else "app.py", *LOCAL, "x=1,2"]
    sweep(tmp_path, script, *words, env={"PWD": str(tmp_path)})
    latest = sorted((tmp_path / "data" / "sweep").glob("*/.hsm/stdout.log"))
    assert [log.read_text() for log in latest] == ["told data 1\n"]
    assert retried(tmp_path, "data/sweep") == ["told data 2", "told data 2"]


def test_the_interpreters_options_are_kept(tmp_path: Path) -> None:
    script = FAILS_ONCE.format(top="", told="sys.flags.optimize, sys._xoptions")
    sweep(tmp_path, script, "-OO", "-X", "mine=3", "app.py", *LOCAL, "x=1,2")
    assert retried(tmp_path) == ["told 2 {'mine': '3'} 2"] * 2


CONFIGURED = """
defaults:
  - override hydra/launcher: hsm_local
  - override hydra/sweeper: hsm
  - _self_
x: 1
hydra:
  sweep:
    dir: sweep
  sweeper:
    grid:
      x: [1, 2]
"""


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (CONFIGURED + "  mode: MULTIRUN\n", []), (CONFIGURED, ["--multi"]),
        (CONFIGURED, ["++hydra.mode=MULTIRUN"]), (CONFIGURED, ["--multirun"]),
    ],
)  # fmt: skip
def test_however_a_sweep_was_asked_for_it_has_a_command_line(
    tmp_path: Path, config: str, words: list[str]
) -> None:
    sweep(tmp_path, FAILS_ONCE.format(top="", told="1"), "app.py", *words, config=config)
    assert retried(tmp_path) == ["told 1 2"] * 2


def test_a_starter_starts_it_again(tmp_path: Path) -> None:
    starter = tmp_path / "bin" / "torchrun"
    starter.parent.mkdir()
    run = "subprocess.run([sys.executable, '-u', *sys.argv[2:]], env={**os.environ, 'STARTED': sys.argv[1]})"
    starter.write_text(f"#!{sys.executable}\nimport os, subprocess, sys\nsys.exit({run}.returncode)\n")
    script = FAILS_ONCE.format(top="", told="os.environ.get('STARTED')")
    start = (sys.executable, str(starter), "--standalone")
    sweep(tmp_path, script, "app.py", *LOCAL, "x=1,2", start=start)
    assert retried(tmp_path) == ["told --standalone 2"] * 2


def test_variables_of_the_launcher_are_in_the_line(tmp_path: Path) -> None:
    script = FAILS_ONCE.format(top="", told="os.environ.get('MINE')")
    sweep(tmp_path, script, "app.py", *LOCAL, "x=1,2", "+hydra.launcher.env={MINE: 'a b'}")
    assert retried(tmp_path) == ["told a b 2"] * 2


TWO = """
import hydra, os, time

def fail_once(cfg):
    if cfg.x == 2 and not os.path.exists("mended"):
        raise ValueError("no disk")

@hydra.main(version_base=None, config_path="conf", config_name="config")
def train(cfg):
    return 100 + cfg.x

@hydra.main(version_base=None, config_path="conf", config_name="config")
def evaluate(cfg):
    fail_once(cfg)
    return -cfg.x

if __name__ == "__main__":
    train()
    evaluate()
"""


def test_of_two_functions_in_a_script_the_right_one_goes_on(tmp_path: Path) -> None:
    sweep(tmp_path, TWO, "app.py", "-m", "hydra/launcher=hsm_local", "hydra.sweep.dir='s/${now:%f}'", "x=1,2")
    sweeps = [str(one) for one in (tmp_path / "s").iterdir()]
    (failed,) = (one for one in sweeps if "failed" in hsm(tmp_path, "tasks", one).stdout)
    again = hsm(tmp_path, "retry", failed)
    assert again.returncode == 0, again.stderr
    assert "train: not run" in again.stderr
    rows = hsm(tmp_path, "results", failed).stdout.splitlines()[1:]
    assert [row.split()[-1] for row in rows] == ["-1", "-2"]
    line = hsm(tmp_path, "command", failed, "1")
    assert line.returncode
    assert "runs train and evaluate; no command runs evaluate alone" in line.stderr


def test_an_app_that_does_not_come_to_its_function_is_told(tmp_path: Path) -> None:
    script = FAILS_ONCE.format(top="", told="1").replace("    main()\n", "    os.path.exists('mended') or main()\n")
    sweep(tmp_path, script, "app.py", *LOCAL, "x=1,2")
    again = hsm(tmp_path, "retry", "sweep")
    assert again.returncode == 1
    assert "never called main" in again.stderr


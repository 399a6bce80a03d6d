"""What ``hsm resume`` and ``hsm retry`` start is the sweep as it began: fields, interpreter, code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hsm_core.store.state import SweepState

APP = """
import os, sys
import hydra

@hydra.main(config_path="conf", config_name="config", version_base=None)
def main(cfg):
    names = ("TOKEN", "TYPED", "MORE")
    print("seen", *(os.environ.get(name) for name in names), os.nice(0), sys.flags.optimize)
    if cfg.x == 1 and not os.path.exists(os.path.join(hydra.utils.get_original_cwd(), "fixed")):
        raise RuntimeError("not yet")
    return cfg.x

if __name__ == "__main__":
    main()
"""
SWEEP = """# @package _global_
defaults: [override /hydra/launcher: hsm_local]
hydra:
  launcher: {slots: 1, nice: 3, env: {TOKEN: "from $file's"}, task_timeout_min: 5}
"""


@pytest.fixture
def app(weird_tmp_path: Path) -> Path:
    folder = weird_tmp_path / "app"
    (folder / "conf" / "sweep").mkdir(parents=True)
    (folder / "app.py").write_text(APP)
    (folder / "conf" / "config.yaml").write_text("x: 0\n")
    (folder / "conf" / "sweep" / "h.yaml").write_text(SWEEP)
    return folder


def run(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *words]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=90,
        env={**os.environ, **env}, check=False,
    )  # fmt: skip


def hsm(app: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return run(app.parent, "-m", "hsm_core.cli.hsm", *words, **env)


def sweep(app: Path, *words: str) -> Path:
    """A sweep that fails in its task 1 until there is a file ``fixed``."""
    done = run(app, "app.py", "-m", "hydra.sweep.dir=../sweep", "x=0,1", *words)
    assert done.returncode == 1, done.stderr
    return app.parent / "sweep"


def state_of(root: Path) -> Any:
    state = SweepState(root)
    state.refresh()
    return state


def test_the_launchers_fields_are_kept_wherever_they_were_set(app: Path) -> None:
    root = sweep(app, "+sweep=h", "+hydra.launcher.env.TYPED=1", "+hydra.launcher.env.MORE=2")
    (app / "fixed").touch()
    done = hsm(app, "retry", str(root), "--set", "+hydra.launcher.env.MORE=3")
    assert done.returncode == 0, done.stderr
    before, after = ((root / "1" / name).read_text() for name in ("attempt-1/stdout.log", "stdout.log"))
    assert before.split() == ["seen", "from", "$file's", "1", "2", "3", "0"]
    assert after.split() == ["seen", "from", "$file's", "1", "3", "3", "0"]

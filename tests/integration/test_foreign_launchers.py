"""The sweeper hsm with launchers that know nothing of it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APP = """
import hydra
@hydra.main(version_base="1.3", config_path=None)
def main(config): open("seen", "w").write(repr(dict(config)))
main()
"""
NEEDS = {
    "basic": "hydra",
    "joblib": "hydra_plugins.hydra_joblib_launcher",
    "submitit_local": "hydra_plugins.hydra_submitit_launcher",
}


def installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize("launcher", NEEDS)
def test_a_sweep_runs_and_leaves_nothing_of_ours(launcher: str, weird_tmp_path: Path) -> None:
    if not installed(NEEDS[launcher]):
        pytest.skip(f"the launcher {launcher} is not installed")
    (weird_tmp_path / "train.py").write_text(APP)
    typed = ["+a=tag(zip_p,choice(1,2))", "+b=tag(zip_p,choice('x y',true))", "hydra.sweeper.name=theirs"]
    fixed = ["hydra.sweep.dir=out", "hydra.job.chdir=true", "hydra/sweeper=hsm", f"hydra/launcher={launcher}"]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "train.py", "-m", *typed, *fixed],
        cwd=weird_tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    out = weird_tmp_path / "out"
    assert [(out / name / "seen").read_text() for name in ("0", "1")] == [
        "{'a': 1, 'b': 'x y'}",
        "{'a': 2, 'b': True}",
    ]
    assert {path.name for path in out.iterdir()} - {".submitit"} == {"0", "1", "multirun.yaml"}
    printed = done.stdout.splitlines()
    ours = [number for number, line in enumerate(printed) if "hsm" in line.replace("hsm_core", "").lower()]
    assert len(ours) == 2  # who runs the tasks, and which launcher would keep a record
    assert f"Launcher '{launcher}' runs the tasks, and keeps no record for hsm" in printed[ours[0]]

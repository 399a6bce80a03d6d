"""What ``hsm reproduce`` prints, run in a shell, gives a task's result although the app has changed since."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

APP = """
import hydra
@hydra.main(config_path=None, version_base=None)
def main(cfg):
    print("factor", 2)
    return cfg.x * 2
main()
"""


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def hsm(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "hsm_core.cli.hsm", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow  # it installs the packages again
def test_the_commands_bring_the_state_back(weird_tmp_path: Path) -> None:
    app = weird_tmp_path / "repository"
    (app / "sub").mkdir(parents=True)
    git(app, "init", "-q")
    (app / "sub" / "app.py").write_text(APP)
    git(app, "add", ".")
    git(app, "commit", "-qm", "first")
    (app / "sub" / "app.py").write_text(APP.replace("2", "3"))
    command = ["app.py", "-m", "hydra/launcher=hsm_local", "hydra.sweep.dir=../../sweep", "+x=5,7"]
    subprocess.run([sys.executable, *command], cwd=app / "sub", check=True, capture_output=True)
    (app / "sub" / "app.py").write_text("raise SystemExit('edited since')")
    sweep = weird_tmp_path / "sweep"
    lines = hsm("reproduce", str(sweep), "1").splitlines()
    kept = [line for line in lines if "-m pip install" not in line]  # this very checkout is installed editable
    script = "set -e\n" + "\n".join(kept).replace("-m venv", "-m venv --system-site-packages")
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    environment = {"PATH": path, "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "factor 3" in done.stdout
    assert any(line.startswith(".venv-again/bin/python -m pip install -r ") for line in lines)
    assert "hydra-core==" in (sweep / ".hsm" / "requirements.txt").read_text()

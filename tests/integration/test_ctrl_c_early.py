"""Ctrl-C before the first progress line: words instead of a traceback, and nothing in the way of the next start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

APP = """
import importlib, os, signal, sys
import hydra

signal.signal(signal.SIGINT, signal.default_int_handler)  # who is started in the background ignores it

def press(*words, **more):
    os.kill(os.getpid(), int(os.environ.get("SIGNAL", signal.SIGINT)))

if step := os.environ.get("STEP"):
    module, name = step.rsplit(":", 1)
    setattr(importlib.import_module(module), name, press)

@hydra.main(config_path=None, config_name="config", version_base=None)
def main(cfg):
    return 1.0

if __name__ == "__main__":
    from hydra.core.config_store import ConfigStore
    ConfigStore.instance().store("config", {"x": 0})
    main()
"""
BRIDGE = "hsm_core.hydra_bridge.launcher"
UNRECORDED = [
    f"{BRIDGE}.destination:launcher_settings", f"{BRIDGE}.sweep_directory:_reserve", f"{BRIDGE}.launch:check_payload",
    f"{BRIDGE}.begin:record_code", f"{BRIDGE}.begin:write_tasks", f"{BRIDGE}.launch:write_payload",
    f"{BRIDGE}.begin:create_record",
]  # fmt: skip
RECORDED = f"{BRIDGE}.places:make_source"


def run(folder: Path, step: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    (folder / "app.py").write_text(APP, encoding="utf-8")
    argv = ["app.py", "-m", "hydra/launcher=hsm_local", "hydra.sweep.dir=s", "x=1,2", *words]
    return python(folder, *argv, STEP=step, **env)


def python(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, *words]
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), **env}
    return subprocess.run(
        argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, start_new_session=True
    )


@pytest.mark.parametrize("step", UNRECORDED)
def test_before_the_record_is_written_nothing_runs_and_nothing_is_in_the_way(tmp_path: Path, step: str) -> None:
    done = run(tmp_path, step, "hydra/sweeper=hsm")
    assert done.returncode == 130, done.stderr
    assert "interrupted before anything was recorded: nothing runs" in done.stderr
    assert "Traceback" not in done.stderr
    again = run(tmp_path, "", "hydra/sweeper=hsm")
    assert (again.returncode, "2 completed" in again.stderr) == (0, True), again.stderr


def test_a_recorded_sweep_is_named_and_can_be_resumed(tmp_path: Path) -> None:
    done = run(tmp_path, RECORDED)
    assert (done.returncode, "Traceback" in done.stderr) == (130, False), done.stderr
    line = done.stderr.split("next: ")[-1].strip()
    assert line.startswith("hsm resume app-")
    resumed = run(tmp_path, "", f"hydra.launcher.resume={line.split()[-1]}")
    assert (resumed.returncode, "2 completed" in resumed.stderr) == (0, True), resumed.stderr


SUBDIR = "hydra.sweep.subdir='x${x}'"


@pytest.mark.parametrize(
    ("step", "sweeper"),
    [
        (f"{BRIDGE}.launch:write_payload", "hsm"), ("hsm_core.store.sweeps.catalogue:remember", "hsm"),
        (RECORDED, "basic"), (f"{BRIDGE}.launch:conduct_live", "hsm"),
    ],
)  # fmt: skip
def test_a_launcher_killed_at_any_step_leaves_nothing_or_a_sweep_that_resumes_exactly(
    tmp_path: Path, step: str, sweeper: str
) -> None:
    words = (f"hydra/sweeper={sweeper}", SUBDIR)
    assert run(tmp_path, step, *words, SIGNAL="9").returncode == -9
    if (tmp_path / "s" / ".hsm" / "sweep.json").exists():
        done = python(tmp_path, "-m", "hsm_core.cli.hsm", "resume", "s", STEP="")
    else:
        done = run(tmp_path, "", *words)
    assert (done.returncode, "2 completed" in done.stderr, "warning" in done.stderr) == (0, True, False), done.stderr
    assert sorted(path.name for path in (tmp_path / "s").iterdir() if path.is_dir()) == [".hsm", "x1", "x2"]


def test_a_resume_without_the_sweeps_own_config_is_refused(tmp_path: Path) -> None:
    run(tmp_path, RECORDED, SUBDIR, SIGNAL="9")
    (tmp_path / "s" / ".hsm" / "launch-0" / "boot.json").unlink()
    words = ("-m", "hsm_core.cli.hsm", "resume", "s")
    refused = python(tmp_path, *words, STEP="")
    assert refused.returncode == 1
    assert "error: can't read the config that the sweep was started with" in refused.stderr
    assert "--allow-changed" in refused.stderr
    allowed = python(tmp_path, *words, "--allow-changed", STEP="")
    assert allowed.returncode == 0, allowed.stderr
    assert (tmp_path / "s" / "x1").is_dir()  # as was typed

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
    os.kill(os.getpid(), signal.SIGINT)

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
    f"{BRIDGE}.begin:record_code", f"{BRIDGE}.begin:write_tasks", f"{BRIDGE}.begin:create_record",
]  # fmt: skip
RECORDED = [f"{BRIDGE}.places:make_source", f"{BRIDGE}.launch:write_payload"]


def run(folder: Path, step: str, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "app.py").write_text(APP, encoding="utf-8")
    argv = [sys.executable, "app.py", "-m", "hydra/launcher=hsm_local", "hydra.sweep.dir=s", "x=1,2", *words]
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "STEP": step}
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


@pytest.mark.parametrize("step", RECORDED)
def test_a_recorded_sweep_is_named_and_can_be_resumed(tmp_path: Path, step: str) -> None:
    done = run(tmp_path, step)
    assert (done.returncode, "Traceback" in done.stderr) == (130, False), done.stderr
    line = done.stderr.split("next: ")[-1].strip()
    assert line.startswith("hsm resume app-")
    resumed = run(tmp_path, "", f"hydra.launcher.resume={line.split()[-1]}")
    assert (resumed.returncode, "2 completed" in resumed.stderr) == (0, True), resumed.stderr

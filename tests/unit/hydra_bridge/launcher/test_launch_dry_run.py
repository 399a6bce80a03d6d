"""A dry run works where no batch system is, and says what would be ignored."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.hydra_bridge.sweeping import write_app

ROOT = Path(__file__).parents[4]
APP = """
import hydra
@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(config): pass
main()
"""


def dry_run(app: Path, *words: str, by: str = "launcher", **env: str) -> subprocess.CompletedProcess[str]:
    """A dry run on a machine that has no command but Python's."""
    write_app(app)
    (app / "train.py").write_text(APP)
    line = [sys.executable, "train.py", "-m", f"hydra.{by}.dry_run=true", "seed=1,2", *words]
    known = {"PYTHONPATH": str(ROOT), "PATH": str(app), "XDG_STATE_HOME": str(app / "state"), "USER": "me"}
    return subprocess.run(line, cwd=app, env={**known, **env}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("launcher", ["hsm_pbs", "hsm_hpc"])
def test_the_script_is_shown_without_pbs(tmp_path: Path, launcher: str) -> None:
    done = dry_run(tmp_path, f"hydra/launcher={launcher}", "hydra.launcher.nice=3", HSM_HPC_SYSTEM="pbs")
    assert done.returncode == 0, done.stderr
    told = "PBS is not installed on this machine (qsub and qstat not found on PATH): so this is what pbspro would get"
    assert told in done.stdout
    assert "$ qsub -f -N TOKEN -J 0-1 script.sh" in done.stdout
    assert "#PBS" in done.stdout


@pytest.mark.parametrize("launcher", ["hsm_pbs", "hsm_slurm"])
def test_a_dry_run_by_the_sweeper_needs_no_scheduler_either(tmp_path: Path, launcher: str) -> None:
    done = dry_run(tmp_path, f"hydra/launcher={launcher}", "hydra/sweeper=hsm", by="sweeper")
    assert launcher == "hsm_pbs" or ": nothing would be submitted here\n" in done.stdout
    assert f"$ {'sbatch' if launcher == 'hsm_slurm' else 'qsub'} " in done.stdout, done.stderr
    assert not (tmp_path / "multirun").exists()


def test_so_it_is_where_the_commands_are_of_another_system(tmp_path: Path) -> None:
    for name in ("qsub", "qstat"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'SGE 8.1.9'\n")
        (tmp_path / name).chmod(0o755)
    done = dry_run(tmp_path, "hydra/launcher=hsm_pbs", PATH=f"{tmp_path}:{os.defpath}")
    assert "(it belongs to Grid Engine): so this is what pbspro would" in done.stdout, done.stderr
    done = dry_run(tmp_path, "hydra/launcher=hsm_pbs", "hydra.launcher.flavour=torque")
    assert "$ qsub -N TOKEN -t 0-1 script.sh" in done.stdout, done.stderr


def test_a_dry_run_names_the_fields_that_are_ignored(tmp_path: Path) -> None:
    words = ["hydra/launcher=hsm_local", "hydra.launcher.walltime=3h", "hydra.launcher.mem_gb=${seed}"]
    for sweeper in ("hsm", "basic"):
        done = dry_run(tmp_path, *words, f"hydra/sweeper={sweeper}", HSM_HPC_QUEUE="short")
        assert "this launcher ignores walltime, mem_gb\n" in done.stdout, done.stderr


def test_what_only_the_environment_says_is_not_told_as_ignored(tmp_path: Path) -> None:
    done = dry_run(tmp_path, "hydra/launcher=hsm_local", HSM_HPC_WALLTIME="1:00:00", HSM_HPC_QUEUE="short")
    assert "ignores" not in done.stdout + done.stderr


@pytest.mark.parametrize("field", ["only_tasks=1", "retry_failed=true", "force=true"])
def test_fields_of_a_resumed_sweep_are_refused_without_one(tmp_path: Path, field: str) -> None:
    done = dry_run(tmp_path, "hydra/launcher=hsm_local", f"hydra.launcher.{field}")
    name = field.partition("=")[0]
    assert f"error: hydra.launcher.{name} is for resuming a sweep, and this line starts a new one" in done.stderr
    assert f" hydra.launcher.resume=latest    # or leave out {name}\n" in done.stderr
    assert done.returncode == 1

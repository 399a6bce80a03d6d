"""A task whose library starts the same command line again for its other ranks, as Lightning's DDP does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hsm_core.store.layout import SweepPaths

APP = """
import os, subprocess, sys
from pathlib import Path
import hydra
from hydra.core.hydra_config import HydraConfig

@hydra.main(config_path=None, config_name=None, version_base="1.3")
def main(cfg):
    hydra_cfg = HydraConfig.get()
    out, rank = Path(hydra_cfg.runtime.output_dir), int(os.environ.get("LOCAL_RANK", "0"))
    (out / f"rank-{rank}").write_text(f"{cfg.x} {hydra_cfg.job.num}")
    if rank == 0:
        own = [f'hydra.run.dir="{hydra_cfg.run.dir}"', "hydra.job.name=rank_1", "hydra.output_subdir=null"]
        ranks = {"LOCAL_RANK": "1", "NODE_RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
        subprocess.run([sys.executable, *sys.argv, *own], env={**os.environ, **ranks}, check=True, timeout=100)
    elif cfg.x == "fails":
        raise ValueError("in rank 1")

if __name__ == "__main__":
    main()
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "app.py").write_text(APP)
    env = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
    command = [sys.executable, str(folder / "app.py"), "-m", "hydra/launcher=hsm_local", *words]
    return subprocess.run(command, cwd=folder, env=env, text=True, capture_output=True, timeout=200)


@pytest.mark.parametrize("sweeper", ["basic", pytest.param("hsm", marks=pytest.mark.slow)])
def test_a_rank_that_a_task_starts_by_its_command_line_is_that_task(tmp_path: Path, sweeper: str) -> None:
    ran = run(tmp_path, "+x='a=b, c',2,fails", f"hydra/sweeper={sweeper}")
    (sweep,) = (path.parent for path in tmp_path.glob("multirun/*/*/.hsm"))
    assert ran.returncode == 3
    for number, x in enumerate(["a=b, c", "2", "fails"]):
        for rank in (0, 1):
            assert (sweep / str(number) / f"rank-{rank}").read_text() == f"{x} {number}", ran.stderr
    assert "✓ 2 completed  ✗ 1 failed" in ran.stderr
    assert "ValueError: in rank 1" in (sweep / "2" / ".hsm" / "stderr.log").read_text()


@pytest.mark.slow
def test_another_sweep_that_a_rank_of_a_task_starts_is_a_sweep(tmp_path: Path) -> None:
    ran = run(tmp_path, "+x=1", "hydra.sweep.dir=s")
    assert ran.returncode == 0, ran.stderr
    task = {"HSM_SWEEP_ID": SweepPaths(tmp_path / "s").record.read_text().split('"')[3], "HSM_TASK_ID": "0"}
    env = {**os.environ, **task, "HSM_TASK_DIR": str(tmp_path / "s" / "0"), "LOCAL_RANK": "1"}
    command = [sys.executable, "app.py", "-m", "hydra/launcher=hsm_local", "+x=5", "hydra.sweep.dir=t"]
    subprocess.run(command, cwd=tmp_path, env={**env, "XDG_STATE_HOME": str(tmp_path / "state")}, check=True)
    assert (tmp_path / "t" / "0" / "rank-1").read_text() == "5 0"
    assert SweepPaths(tmp_path / "t").record.is_file()

"""A sweep that torchrun, mpirun or srun starts several times over runs once, and all of them end as it does."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.cluster import Cluster
from tests.waiting import wait_until

APP = """
import json, os, time
from dataclasses import dataclass
import hydra
from hydra.core.config_store import ConfigStore

@dataclass
class Config:
    x: int = 0
    gate: str = ""

ConfigStore.instance().store(name="config", node=Config)

@hydra.main(config_path=None, config_name="config", version_base=None)
def main(cfg):
    print(json.dumps({**os.environ}))
    while cfg.gate and not os.path.exists(cfg.gate):
        time.sleep(0.02)
    if cfg.x == 13:
        raise ValueError("13")

main()
"""
TORCHRUN = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500", "TORCHELASTIC_RUN_ID": "none"}


class Group:
    """Two processes, as torchrun starts them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.processes = folder, list[subprocess.Popen[str]]()
        (folder / "app.py").write_text(APP)

    def start(self, rank: int, *overrides: str) -> subprocess.Popen[str]:
        names = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
        env = {**os.environ, "XDG_STATE_HOME": str(self.folder / "state"), **TORCHRUN}
        process = subprocess.Popen(
            [sys.executable, "app.py", "-m", "hydra/launcher=hsm_local", *overrides], cwd=self.folder,
            env=env | {name: str(value) for name, value in names.items()}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def run(self, *overrides: str) -> list[tuple[int, str]]:
        """Exit code and output of each."""
        started = [self.start(rank, *overrides) for rank in (1, 0)]
        told = [process.communicate(timeout=120)[0] for process in started]
        return [(process.returncode, text) for process, text in zip(started, told, strict=True)][::-1]

    def sweeps(self) -> list[Path]:
        return sorted(self.folder.glob("multirun/*/*/.hsm/sweep.json"))


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    made = Group(tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.communicate()


def test_one_sweep_runs_and_its_tasks_are_of_no_group(group: Group) -> None:
    (code, told), (waited, other) = group.run("x=1,2")
    assert (code, waited) == (0, 0), told + other
    assert "rank 1 of 2 under torchrun: rank 0 runs the sweep" in other
    (sweep,) = group.sweeps()
    logs = list(sweep.parents[1].glob("*/.hsm/stdout.log"))
    assert len(logs) == 2
    for log in logs:
        assert not {"RANK", "WORLD_SIZE", "LOCAL_RANK", *TORCHRUN}.intersection(json.loads(log.read_text()))


def test_all_of_them_fail_with_it_also_under_a_name_that_was_used_before(group: Group) -> None:
    assert [code for code, _ in group.run("x=1", "hydra.launcher.dry_run=true")] == [0, 0]
    for overrides in (["x=1,13"], ["nokey=1,2"]):
        (code, told), (waited, other) = group.run(*overrides)
        assert code == waited > 0, told + other


def test_when_the_first_dies_nobody_waits_for_it(group: Group) -> None:
    first = group.start(0, "x=1,2", f"gate={group.folder / 'gate'}")
    other = group.start(1, "x=1,2")
    wait_until(lambda: any(group.folder.glob("multirun/*/*/0/.hsm/stdout.log")), 60)
    assert other.poll() is None
    first.kill()
    assert "rank 0 ended without reporting its result: process" in other.communicate(timeout=60)[0]
    assert other.returncode == 1
    (group.folder / "gate").touch()


@pytest.mark.slow
@pytest.mark.slurm
def test_srun_starts_one_sweep_and_a_batch_script_is_no_group(group: Group, slurm: Cluster) -> None:
    env = {**os.environ, "SLURM_CONF": slurm.conf, "XDG_STATE_HOME": str(group.folder / "state")}
    sweep = [sys.executable, "app.py", "-m", "hydra/launcher=hsm_local", "x=1,2"]
    job = f"#!/bin/sh\n#SBATCH -n2\n#SBATCH --chdir={shlex.quote(str(group.folder))}\n{{}} {shlex.join(sweep)}\n"
    for number, starter in enumerate(("srun", ""), 1):
        script = group.folder / "job.sh"
        script.write_text(job.format(starter))
        command = ["sbatch", "--wait", f"--output={group.folder}/job{number}.log", str(script)]
        subprocess.run(command, env=env, check=True, timeout=120)
        told = (group.folder / f"job{number}.log").read_text()
        assert len(group.sweeps()) == number, told
        assert ("rank 1 of 2 under srun" in told) == (starter == "srun")

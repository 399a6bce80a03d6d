"""Tasks of two nodes and four ranks on a real Slurm: they meet, fail, are killed and cancelled together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from hsm_core.store.files import read_json
from hsm_core.store.layout import TaskPaths
from tests.integration.apps.worker_plain.harness import is_gone
from tests.integration.queue_sweeping import finish
from tests.integration.slurm_sweeping import ask, words
from tests.integration.sweeping import SLURM, SweepingApp
from tests.services.cluster import Cluster
from tests.waiting import wait_until

pytestmark = pytest.mark.slurm

#: Ranks meet as torch.distributed's do: rank 0 listens at its address, and all get the sum of what all gave.
APP = """
import json, os, signal, socket, sys, time
import hydra, submitit
from hydra.core.hydra_config import HydraConfig

def me(cfg):
    job, names = submitit.JobEnvironment(), ("RANK", "WORLD_SIZE", "LOCAL_RANK", "SLURM_PROCID", "HSM_RANK")
    return {
        **{name: int(os.environ[name]) for name in names}, "node": os.environ["SLURMD_NODENAME"], "x": cfg.x,
        "submitit": [job.global_rank, job.num_tasks, job.num_nodes, job.local_rank],
        "dir": HydraConfig.get().runtime.output_dir, "told": os.environ["HSM_TASK_DIR"], "cwd": os.getcwd(),
        "attempt": int(os.environ["HSM_ATTEMPT"]),
    }

def reduced(mine):
    where = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    if mine["RANK"] == 0:
        with socket.create_server(where) as server:
            peers = [server.accept()[0].makefile("rw") for _ in range(mine["WORLD_SIZE"] - 1)]
        found = [mine, *(json.loads(peer.readline()) for peer in peers)]
        for peer in peers:
            print(sum(one["RANK"] for one in found), file=peer, flush=True)
        return sorted(found, key=lambda one: one["RANK"])
    while True:
        try:
            peer = socket.create_connection(where).makefile("rw")
            break
        except OSError:
            time.sleep(0.02)
    print(json.dumps(mine), file=peer, flush=True)
    print("sum", peer.readline().strip())

@hydra.main(config_path=None, config_name="config", version_base=None)
def main(cfg):
    if cfg.patient:
        signal.signal(signal.SIGUSR2, lambda *_: print("warned", flush=True))
    with open(cfg.witness, "a") as stream:
        stream.write(f"begin {cfg.x} {os.environ['HSM_ATTEMPT']} {os.getpid()} {time.monotonic()}\\n")
    mine = me(cfg)
    if mine["RANK"] == 3 and cfg.x in cfg.bad:
        raise ValueError(f"bad x: {cfg.x}")
    if mine["RANK"] == 3 and cfg.x in cfg.killed:
        os.kill(os.getpid(), 9)
    if cfg.lone and mine["RANK"] == 0:
        return "first"
    while cfg.patient and not os.path.exists(cfg.gate):
        time.sleep(0.05)
    if cfg.lone:
        return os.path.exists(cfg.gate + "-bad") and mine["RANK"] == 3 and sys.exit("too bad")
    if cfg.gate and not os.path.exists(cfg.gate):
        time.sleep(1000)
    return reduced(mine)

from dataclasses import dataclass, field
from hydra.core.config_store import ConfigStore

@dataclass
class Config:
    x: int = 0
    gate: str = ""
    patient: bool = False
    lone: bool = False
    witness: str = "???"
    bad: list[int] = field(default_factory=list)
    killed: list[int] = field(default_factory=list)

ConfigStore.instance().store(name="config", node=Config)
main()
"""


class RanksApp(SweepingApp):
    """Tasks of 4 ranks; with a gate they hang until they are ended."""

    def __init__(self, folder: Path) -> None:
        fields = ("nodes=2", "tasks_per_node=2", "mem_gb=0.5")
        super().__init__(folder, (*SLURM, *(f"hydra.launcher.{field}" for field in fields)))
        (folder / "app.py").write_text(APP)

    def value(self, task: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = read_json(TaskPaths(self.sweep / str(task)).outcome)["value"]
        return found

    def pids(self) -> list[int]:
        return [int(line.split()[3]) for line in (self.folder / "witness").read_text().splitlines()]

    def end(self, task: int) -> dict[str, Any]:
        last = self.state().tasks[task].last
        assert last is not None
        return last


@pytest.fixture
def app(slurm: Cluster, weird_tmp_path: Path) -> RanksApp:
    return RanksApp(weird_tmp_path)


@pytest.mark.parametrize("tasks_per_job", [1, 2])
def test_the_ranks_of_a_task_meet(
    app: RanksApp, tasks_per_job: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "8", "MASTER_ADDR": "elsewhere", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)  # of torchrun, under which rank 0 launches
    done = app.run("x=5,6", f"hydra.launcher.tasks_per_job={tasks_per_job}")
    assert done.returncode == 0, done.stderr
    for task in range(2):
        found = app.value(task)
        assert [one["RANK"] for one in found] == [0, 1, 2, 3]
        assert [one["SLURM_PROCID"] for one in found] == [one["HSM_RANK"] for one in found] == [0, 1, 2, 3]
        assert [one["LOCAL_RANK"] for one in found] == [0, 1, 0, 1]
        assert len({one["node"] for one in found}) == 2
        assert [one["submitit"] for one in found] == [[rank, 4, 2, rank % 2] for rank in range(4)]
        assert {(one["WORLD_SIZE"], one["x"], one["attempt"]) for one in found} == {(4, 5 + task, 1)}
        here = str(app.sweep / str(task))
        assert {(one["dir"], one["told"], one["cwd"]) for one in found} == {(here, here, str(app.folder))}
        for rank in (1, 2, 3):
            assert (app.sweep / str(task) / f".hsm/stdout-rank{rank}.log").read_text() == "sum 6\n"
        assert not (app.sweep / str(task) / ".hsm/stdout.log").exists()
    assert len(app.pids()) == 8


def test_stderr_to_stdout_leaves_each_rank_one_log(app: RanksApp) -> None:
    done = app.run("x=1", "bad=[1]", "gate=never", "hydra.launcher.stderr_to_stdout=true")
    log = app.sweep / "0" / ".hsm/stdout-rank3.log"
    assert f"log:   {log}" in done.stderr
    assert log.read_text().endswith("ValueError: bad x: 1\n")
    assert not list((app.sweep / "0").glob("stderr*"))


@pytest.mark.slow
def test_a_rank_that_raises_and_one_that_is_killed(app: RanksApp) -> None:
    done = app.run("x=1,2,3", "bad=[1]", "killed=[2]")
    assert done.returncode == 3
    assert app.states() == {"failed": 2, "completed": 1}
    assert (app.end(0).reason, app.end(1).reason) == ("exception", "signal")
    host = os.uname().nodename
    assert app.end(0).message == f"rank 3 on {host} failed: ValueError: bad x: 1"
    assert app.end(1).message == f"rank 3 on {host} failed: killed by signal 9 (SIGKILL)"
    assert "ValueError: bad x: 1" in (app.sweep / "0" / ".hsm/stderr-rank3.log").read_text()
    assert "bad x: 1" in done.stderr
    seen = wait_until(
        lambda: found if not {"RUNNING", "COMPLETING"} & set((found := words()).values()) else {}
    )
    assert [seen[app.state().native_id_of(number)] for number in range(3)] == [
        "FAILED",
        "FAILED",
        "COMPLETED",
    ]
    assert all(is_gone(pid) for pid in app.pids())


@pytest.mark.parametrize("well", [True, False])
@pytest.mark.slow
def test_a_task_runs_as_long_as_any_rank(app: RanksApp, well: bool) -> None:
    assert finish(app.start("x=1", "patient=true", "lone=true", "hydra.launcher.detach=true"))[0] == 0
    app.wait_for_begun(4)
    outcome = TaskPaths(app.sweep / "0").outcome
    returned = wait_until(lambda: found if "value" in (found := read_json(outcome)) else {})
    assert (returned["value"], returned["state"], app.states()) == ("first", "running", {"running": 1})
    if not well:
        (app.folder / "gate-bad").touch()
    app.open_gate()
    app.wait_for_seal()
    assert app.states() == {"completed" if well else "failed": 1}
    if not well:
        told = f"rank 3 on {os.uname().nodename} failed: SystemExit: the task called sys.exit('too bad')"
        assert app.end(0).message in (told, told.replace("SystemExit: ", ""))
    assert read_json(outcome)["state"] == ("completed" if well else "running")


@pytest.mark.slow
def test_each_rank_is_warned_once(app: RanksApp) -> None:
    assert finish(app.start("x=1", "patient=true", "hydra.launcher.detach=true"))[0] == 0
    app.wait_for_begun(4)
    ask("scancel", "--signal=USR2", app.state().native_id_of(0))
    logs = [app.sweep / "0" / f".hsm/stdout{rank}.log" for rank in ("", "-rank1", "-rank2", "-rank3")]
    wait_until(lambda: all(log.exists() and "warned" in log.read_text() for log in logs))
    journal = app.sweep / ".hsm" / "events" / f"{app.state().tasks[0].worker}.jsonl"
    wait_until(lambda: '"warned"' in journal.read_text())  # which is written when the task has been told
    app.open_gate()
    app.wait_for_seal()
    assert app.states() == {"completed": 1}
    assert [log.read_text().count("warned") for log in logs] == [1, 1, 1, 1]


def test_cancelled_tasks_end_on_all_ranks(app: RanksApp) -> None:
    started = app.start("x=1", "hydra.launcher.detach=true")
    assert finish(started)[0] == 0
    app.wait_for_begun(4)
    assert app.hsm("cancel", str(app.sweep), "--yes").returncode == 0
    wait_until(lambda: all(is_gone(pid) for pid in app.pids()), what="the end of all ranks")
    app.wait_for_seal()
    assert app.states() == {"cancelled": 1}


@pytest.mark.slow
def test_a_requeued_task_runs_again_on_all_ranks(app: RanksApp) -> None:
    started = app.start("x=1", "hydra.launcher.detach=true")
    assert finish(started)[0] == 0
    app.wait_for_begun(4)
    app.open_gate()
    ask("scontrol", "requeue", app.state().native_id_of(0))
    wait_until(lambda: app.states() == {"completed": 1}, timeout=60, what="the second attempt")
    assert {one["attempt"] for one in app.value(0)} == {2}
    assert len(app.pids()) == 8


def test_several_slots_are_refused(app: RanksApp) -> None:
    done = app.run("x=1,2", "hydra.launcher.slots=2", "hydra.launcher.tasks_per_job=2")
    assert done.returncode != 0
    assert "a task of 4 ranks runs alone in its job" in done.stderr
    assert "hydra.launcher.slots=1" in done.stderr


@pytest.mark.usefixtures("unmeasured")
def test_several_slots_are_refused_where_a_task_asks_for_ranks(app: RanksApp) -> None:
    asks = ["hydra.launcher.nodes=${x}", "hydra.launcher.tasks_per_node=1", "hydra.launcher.slots=2"]
    done = app.run("x=1,2", "hydra.launcher.tasks_per_job=2", *asks)
    assert done.returncode != 0
    assert "a task of 2 ranks runs alone in its job" in done.stderr

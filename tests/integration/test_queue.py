"""hsm queue and hsm doctor on a real Slurm, and on a PBS that runs scripts."""

from __future__ import annotations

import getpass
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import read_record
from tests.integration.slurm_sweeping import ask
from tests.integration.sweeping import SweepingApp
from tests.services.cluster import Cluster, running_cluster
from tests.services.pbs.pbs import Pbs
from tests.waiting import wait_until

PACKED = ("hydra.launcher.detach=true", "hydra.launcher.tasks_per_job=2", "hydra.launcher.array_parallelism=1")


def hsm(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "hsm_core.cli.hsm", *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    return done


def queued() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(hsm("queue", "--json").stdout)["jobs"]
    return found


def findings() -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "hsm_core.cli.hsm", "doctor", "--json"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return {one["name"]: f"{one['level']}: {one['said']}" for one in json.loads(done.stdout)["findings"]}


@pytest.fixture
def of_slurm(slurm: Cluster, weird_tmp_path: Path) -> Iterator[SweepingApp]:
    app = SweepingApp(weird_tmp_path, ("hydra/launcher=hsm_slurm", "hydra.launcher.mem_gb=0.3"))
    yield app
    app.open_gate()
    ask("scancel", "--me")
    wait_until(lambda: not ask("squeue", "-h", "--me"))


@pytest.mark.slurm
def test_the_queue_shows_jobs_as_sweeps_and_tasks(of_slurm: SweepingApp) -> None:
    assert of_slurm.run("x=range(0,7)", *PACKED, gate=True).returncode == 0
    other = ask("sbatch", "--parsable", "-p", "off", "-J", "notebook", "-o", "/dev/null", "--wrap", "true")
    of_slurm.wait_for_begun(1)
    wait_until(lambda: any(job["reason"] == "PartitionDown" for job in queued()))
    jobs = {job["job"]: job for job in queued()}
    whole = ask("squeue", "-h", "--me", "-t", "R", "-o", "%F")
    sweep = read_record(SweepPaths(of_slurm.sweep)).id
    mine = [jobs[f"{whole}_{index}"] for index in range(4)]
    assert [job["tasks"] for job in mine] == [[0, 1], [2, 3], [4, 5], [6]]
    assert [(job["phase"], job["state"]) for job in mine] == [("running", "RUNNING")] + [("waiting", "PENDING")] * 3
    assert {(job["sweep"], job["dir"]) for job in mine} == {(sweep, str(of_slurm.sweep))}
    assert mine[0]["node"].startswith("node")
    assert mine[1]["reason"] == "JobArrayTaskLimit"
    assert (jobs[other]["sweep"], jobs[other]["tasks"], jobs[other]["queue"]) == ("", [], "off")

    text = hsm("queue").stdout
    rows = [line.split() for line in text.splitlines()]
    assert [f"{whole}_[1-3]", "○", "PENDING", "main", "2-6", "JobArrayTaskLimit"] in rows
    at = rows.index([other, "○", "PENDING", "off", "notebook"])
    assert " ".join(rows[at + 1]) == "PartitionDown: until the partition is up"
    assert (jobs[other]["hopeless"], jobs[other]["until"]) == (False, "until the partition is up")
    assert not mine[1]["hopeless"]
    assert rows[-1] == ["next:", "hsm-status", "-w", sweep]
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.slurm
@pytest.mark.slow
def test_watching_ends_when_nothing_waits_or_runs(of_slurm: SweepingApp) -> None:
    assert of_slurm.run("x=1,2", "hydra.launcher.detach=true", gate=True).returncode == 0
    argv = [sys.executable, "-m", "hsm_core.cli.hsm", "queue", "-w", "2"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout is not None
        assert "node, or why it waits" in watcher.stdout.readline()
        of_slurm.open_gate()
        looks = watcher.stdout.read()
        assert watcher.stderr is not None
        assert watcher.stderr.read() == "Slurm: you have no waiting or running jobs\n"
        assert watcher.wait(timeout=60) == 0
    assert looks.rstrip().splitlines()[-1].startswith("next: hsm-status -w")


@pytest.mark.slurm
def test_an_empty_queue_is_no_data(slurm: Cluster) -> None:
    wait_until(lambda: not ask("squeue", "-h", "--me"))
    done = hsm("queue")
    assert (done.stdout, done.stderr) == ("", "Slurm: you have no waiting or running jobs\n")
    assert queued() == []


@pytest.mark.slurm
def test_a_controller_that_is_down_is_an_error_with_its_own_words(slurm: Cluster) -> None:
    slurm("stop-ctld")
    try:
        done = hsm("queue", code=1)
        found = findings()
    finally:
        slurm("start-ctld")
        wait_until(lambda: "UP" in subprocess.run(["scontrol", "ping"], capture_output=True, text=True).stdout)
    assert "Unable to contact slurm controller" in done.stderr
    assert "next: scontrol ping" in done.stderr
    assert found["Slurm"].startswith("bad: does not answer: ")
    assert "DOWN" in found["Slurm"]


@pytest.mark.slurm
def test_doctor_tells_what_this_slurm_is_and_allows(slurm: Cluster) -> None:
    found = findings()
    assert "sbatch: slurm" in found["Slurm"]
    assert "main* (no time limit, 4 of 4 nodes idle)" in found["Slurm partitions"]
    assert "off (down" in found["Slurm partitions"]
    assert found["Slurm limits"].startswith("ok: arrays of at most 101, ")
    assert "MaxArraySize=101" in found["Slurm limits"]
    assert found["Slurm accounting"].startswith("ok: not set up")


@pytest.mark.slurm
@pytest.mark.slow
def test_doctor_tells_whether_accounting_answers_and_the_users_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_cluster(accounting=True) as cluster:
        monkeypatch.setenv("SLURM_CONF", cluster.conf)
        ask("sacctmgr", "-i", "add", "account", "lab")
        ask("sacctmgr", "-i", "add", "user", getpass.getuser(), "account=lab", "partition=main", "MaxSubmitJobs=4")
        found = findings()
        assert found["Slurm accounting"] == "ok: sacct answers"
        assert "lab on main (QOS normal, MaxSubmitJobs 4)" in found["Slurm accounts"]
        cluster("stop-dbd")
        assert findings()["Slurm accounting"].startswith("note: does not answer; hsm works without it")


@pytest.mark.pbs
def test_the_queue_of_pbs(pbs: Pbs, weird_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HSM_HPC_SYSTEM", "pbs")
    app = SweepingApp(weird_tmp_path, ("hydra/launcher=hsm_pbs",))
    assert app.run("x=range(0,7)", *PACKED, gate=True).returncode == 0
    try:
        wait_until(lambda: any(job["phase"] == "running" for job in queued()))
        jobs = queued()
        assert [(job["phase"], job["tasks"]) for job in jobs] == [
            ("running", [0, 1]), ("waiting", [2, 3]), ("waiting", [4, 5]), ("waiting", [6]),
        ]  # fmt: skip
        assert {job["sweep"] for job in jobs} == {app.state().record.id}
        collapsed = jobs[1]["job"].replace("[1]", "[1-3]")
        assert collapsed in hsm("queue").stdout
    finally:
        app.open_gate()
        app.hsm("cancel", str(app.sweep), "--yes")


@pytest.mark.pbs
def test_doctor_tells_what_this_pbs_is_and_allows(pbs: Pbs, torque: Pbs, monkeypatch: pytest.MonkeyPatch) -> None:
    pbs.turn(queue_max_walltime_s=3600, max_queued_user=50)
    monkeypatch.setenv("PATH", pbs.path)
    found = findings()
    assert "PBS Pro or OpenPBS 23.06" in found["PBS"]
    assert found["PBS server"] == "ok: pbs: Active, default queue workq"
    assert "limits (walltime 01:00:00)" in found["PBS queues"]
    assert "off (takes no jobs)" in found["PBS queues"]
    assert "at most 50 jobs" in found["PBS limits"]
    assert "_pbs_project_default" in found["PBS project"]
    monkeypatch.setenv("PATH", torque.path)
    found = findings()
    assert "Torque 6" in found["PBS"]
    assert "PBS project" not in found

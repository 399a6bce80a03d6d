"""The services that other tests stand on do work."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.services.cluster import Cluster
from tests.services.fleet import Fleet
from tests.waiting import wait_until


def run(*argv: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slurm
def test_a_job_runs_on_a_node_of_the_cluster(slurm: Cluster, tmp_path: Path) -> None:
    told = tmp_path / "told"
    sent = run("sbatch", "--parsable", "-o", "/dev/null", "--wrap", f'echo "$SLURMD_NODENAME" > {told}')
    assert sent.returncode == 0, sent.stderr
    wait_until(lambda: told.exists() and told.read_text(), what="the job's file")
    assert told.read_text().strip() in {"node1", "node2", "node3", "node4"}


@pytest.mark.slurm
def test_a_job_gets_the_gpu_it_asks_for(slurm: Cluster, tmp_path: Path) -> None:
    told = tmp_path / "told"
    run("sbatch", "--gres=gpu:1", "-o", "/dev/null", "--wrap", f'echo "gpu $CUDA_VISIBLE_DEVICES" > {told}')
    wait_until(lambda: told.exists() and told.read_text(), what="the job's file")
    assert told.read_text().strip() in {"gpu 0", "gpu 1"}


@pytest.mark.sshd
def test_hosts_answer_and_share_no_disk(fleet: Fleet) -> None:
    names = [
        run("ssh", "-F", fleet.ssh_config, f"h{n}", f"hostname; echo mine > of-h{n}; ls of-*").stdout for n in (1, 2)
    ]
    assert names == ["h1\nof-h1\n", "h2\nof-h2\n"]
    assert run("ssh", "-F", fleet.ssh_config, "h3", "ls of-* 2>/dev/null || true").stdout == ""


@pytest.mark.sshd
def test_a_cut_host_does_not_answer_and_a_healed_one_does(fleet: Fleet) -> None:
    ssh = ("ssh", "-F", fleet.ssh_config, "-o", "ConnectTimeout=2", "h2", "true")
    fleet("cut", 2)
    assert run(*ssh).returncode == 255
    fleet("heal", 2)
    wait_until(lambda: run(*ssh).returncode == 0, what="h2 to answer")

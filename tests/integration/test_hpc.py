"""hydra/launcher=hsm_hpc: the batch system that is here, or that the user names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.slurm_sweeping import ask
from tests.integration.sweeping import SweepingApp
from tests.services.cluster import Cluster
from tests.services.pbs.pbs import Pbs
from tests.waiting import wait_until

HPC = ("hydra/launcher=hsm_hpc",)


@pytest.fixture(autouse=True)
def undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HSM_HPC_SYSTEM", raising=False)


@pytest.fixture
def app(weird_tmp_path: Path) -> SweepingApp:
    return SweepingApp(weird_tmp_path, HPC)


def backends(app: SweepingApp) -> set[str]:
    return {submission.source for submission in app.state().submissions}


@pytest.mark.slurm
@pytest.mark.slow
def test_slurm_is_found_and_the_sweep_goes_on_there(slurm: Cluster, app: SweepingApp) -> None:
    done = app.run("x=1,2,3", "bad=[2]")
    assert (done.returncode, app.states()) == (3, {"completed": 2, "failed": 1})
    assert app.state().record.launcher == "hsm_hpc"
    assert app.resume("--retry-failed").returncode == 3  # the value that it fails for is the task's own
    assert {len(found) for x, found in app.intervals().items() if x != 2} == {1}
    assert len(app.intervals()[2]) == 2
    assert backends(app) == {"slurm"}


@pytest.mark.slurm
@pytest.mark.slow
def test_what_is_detached_is_found_again(slurm: Cluster, app: SweepingApp) -> None:
    assert app.run("x=1,2", "hydra.launcher.detach=true", gate=True).returncode == 0
    app.wait_for_begun(2)
    app.open_gate()
    assert app.hsm("wait", str(app.sweep), "--timeout", "60").returncode == 0
    assert app.states() == {"completed": 2}
    wait_until(lambda: not ask("squeue", "-h", "--me"))


@pytest.mark.pbs
def test_pbs_is_found(pbs: Pbs, app: SweepingApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_CONF", raising=False)
    done = app.run("x=1,2")
    assert done.returncode == 0, done.stderr
    assert (app.states(), backends(app)) == ({"completed": 2}, {"pbs"})


@pytest.mark.slurm
@pytest.mark.usefixtures("slurm", "pbs")
def test_the_user_chooses_between_two(app: SweepingApp, monkeypatch: pytest.MonkeyPatch) -> None:
    done = app.run("x=1")
    assert (done.returncode, "both Slurm and PBS are here" in done.stderr) == (1, True)
    assert not (app.sweep / ".hsm").exists()
    monkeypatch.setenv("HSM_HPC_SYSTEM", "slurm")
    assert app.run("x=1").returncode == 0
    assert backends(app) == {"slurm"}


@pytest.mark.usefixtures("unmeasured")
def test_where_there_is_none_it_says_so_and_writes_nothing(
    app: SweepingApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    done = app.run("x=1")
    assert done.returncode == 1
    assert "no batch system found here, neither Slurm nor PBS" in done.stderr
    assert " hydra/launcher=hsm_local " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (app.sweep / ".hsm").exists()


def test_fields_are_checked_as_those_of_the_system(app: SweepingApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HSM_HPC_SYSTEM", "slurm")
    done = app.run("x=1", "hydra.launcher.dry_run=true", "hydra.launcher.qos=long")
    assert done.returncode == 0, done.stderr
    assert "#SBATCH --qos=long" in done.stdout
    monkeypatch.setenv("HSM_HPC_SYSTEM", "sge")
    assert "sge is neither slurm nor pbs" in app.run("x=1").stderr

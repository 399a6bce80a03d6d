"""Which batch system is here, by what small stand-ins of its commands say."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.detect.scheduler import (
    Absent,
    System,
    chosen_system,
    find_systems,
    systems_here,
)
from hsm_core.errors import BackendError, ConfigError
from hsm_core.hosts.local import LocalHost
from hsm_core.schedulers.pbs.site import find_pbs_server
from hsm_core.schedulers.slurm.site import find_slurm, require_slurm_cluster

SLURM = {"sbatch": "echo slurm 24.05.4", "scontrol": "echo 'Slurmctld(primary) at c1 is UP'", "squeue": "exit 0"}
OPENPBS = {"qsub": "exit 0", "qstat": '[ "$1" = --version ] && echo "pbs_version = 23.06.06"; exit 0'}
TORQUE = {"qsub": "exit 0", "qstat": '[ "$1" = --version ] && echo "Version: 6.1.3" >&2; exit 0'}
GRID_ENGINE = {"qsub": "exit 0", "qstat": '[ "$1" = -help ] && echo "SGE 8.1.9"; exit 0'}
#: as Debian's slurm-wlm-torque begins
WRAPPER = "#!/usr/bin/perl\n\nuse strict;\nuse lib qw(/usr/lib);\nuse Slurm ':all';\n"


@pytest.fixture
def bin_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("HSM_HPC_SYSTEM", raising=False)
    return tmp_path


def install(bin_: Path, *systems: dict[str, str]) -> None:
    for system in systems:
        for name, body in system.items():
            script(bin_ / name, f"#!/bin/sh\n{body}\n")


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def refusal() -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        chosen_system(LocalHost())
    return raised.value


def test_a_machine_without_any_is_told_what_was_looked_for(bin_: Path) -> None:
    error = refusal()
    assert error.evidence == "sbatch not found on PATH; qsub and qstat not found on PATH"
    assert "hydra/launcher=hsm_local" in error.fix
    assert not any(one.odd for one in find_systems(LocalHost()) if isinstance(one, Absent))


def test_slurm_that_answers(bin_: Path) -> None:
    install(bin_, SLURM)
    found = find_slurm(LocalHost())
    assert isinstance(found, System)
    assert (found.version, found.trouble, found.wrapped) == ("slurm 24.05.4", "", True)
    assert chosen_system(LocalHost()) == "slurm"


@pytest.mark.parametrize(
    ("command", "body", "said"),
    [
        ("scontrol", "echo 'Slurmctld(primary) at c1 is DOWN'; exit 1", "c1 is DOWN"),
        ("squeue", "echo 'Munge encode failed' >&2; exit 1", "Munge encode failed"),
    ],
)
def test_slurm_that_does_not_answer_is_here_all_the_same(bin_: Path, command: str, body: str, said: str) -> None:
    install(bin_, SLURM | {command: body})
    found = find_slurm(LocalHost())
    assert isinstance(found, System)
    assert said in found.trouble
    assert chosen_system(LocalHost()) == "slurm"


@pytest.mark.parametrize(
    ("body", "why", "fix"),
    [
        ("echo 'sbatch: fatal: Could not establish a configuration source' >&2; exit 1", "no cluster", "SLURM_CONF"),
        ("echo 'site wrapper 1.0'", "does not belong to Slurm", "--version"),
    ],
)
def test_an_sbatch_that_is_not_to_be_used(bin_: Path, body: str, why: str, fix: str) -> None:
    install(bin_, {"sbatch": body})
    found = find_slurm(LocalHost())
    assert isinstance(found, Absent)
    assert (found.odd, why in found.why, fix in found.fix) == (True, True, True)
    assert refusal().fix.startswith("hydra/launcher=hsm_local    # ")
    assert "HSM_HPC_SYSTEM=slurm" in refusal().fix  # what that sbatch lacks helps only where a cluster is


def test_a_launcher_refuses_a_slurm_that_knows_no_cluster(bin_: Path) -> None:
    install(bin_, {"sbatch": "echo 'sbatch: fatal: Could not establish a configuration source' >&2; exit 1"})
    with pytest.raises(BackendError, match=r"no cluster is configured(?s:.*)fix: hydra/launcher=hsm_local "):
        require_slurm_cluster(LocalHost())


@pytest.mark.parametrize("body", ["echo slurm 24.05.4", "echo site wrapper 1.0", "echo odd >&2; exit 1"])
def test_other_words_of_sbatch_are_left_to_the_submission(bin_: Path, body: str) -> None:
    install(bin_, {"sbatch": body})
    require_slurm_cluster(LocalHost())


@pytest.mark.parametrize(("commands", "flavour"), [(OPENPBS, "pbspro"), (TORQUE, "torque")])
def test_pbs_by_its_version(bin_: Path, commands: dict[str, str], flavour: str) -> None:
    install(bin_, commands)
    found = find_pbs_server(LocalHost())
    assert isinstance(found, System)
    assert (found.flavour, found.trouble) == (flavour, "")
    assert chosen_system(LocalHost()) == "pbs"


def test_pbs_whose_server_is_down_says_so(bin_: Path) -> None:
    down = 'if [ "$1" = --version ]; then echo "pbs_version = 23.06.06"; else echo "cannot connect" >&2; exit 255; fi'
    install(bin_, OPENPBS | {"qstat": down})
    found = find_pbs_server(LocalHost())
    assert isinstance(found, System)
    assert "cannot connect" in found.trouble


def test_grid_engine_is_no_pbs(bin_: Path) -> None:
    install(bin_, GRID_ENGINE)
    found = find_pbs_server(LocalHost())
    assert isinstance(found, Absent)
    assert "Grid Engine" in found.why
    assert "Grid Engine" in refusal().evidence


def test_slurms_wrappers_are_no_pbs(bin_: Path) -> None:
    for name in ("qsub", "qstat"):
        script(bin_ / name, WRAPPER)
    install(bin_, SLURM)
    found = find_pbs_server(LocalHost())
    assert isinstance(found, Absent)
    assert "wrapper of Slurm's" in found.why
    assert systems_here(LocalHost()) == ["slurm"]


def test_a_qstat_without_qsub_is_odd(bin_: Path) -> None:
    install(bin_, {"qstat": OPENPBS["qstat"]})
    found = find_pbs_server(LocalHost())
    assert isinstance(found, Absent)
    assert found.odd


def test_of_two_the_one_that_answers_is_meant(bin_: Path) -> None:
    install(bin_, SLURM | {"scontrol": "exit 1"}, OPENPBS)
    assert chosen_system(LocalHost()) == "pbs"


def test_of_two_that_answer_the_user_chooses(bin_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(bin_, SLURM, OPENPBS)
    assert systems_here(LocalHost()) == ["slurm", "pbs"]
    assert "HSM_HPC_SYSTEM=slurm" in refusal().fix
    monkeypatch.setenv("HSM_HPC_SYSTEM", "PBS")
    assert chosen_system(LocalHost()) == "pbs"


def test_a_system_that_there_is_not(bin_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HSM_HPC_SYSTEM", "lsf")
    assert "lsf is neither slurm nor pbs" in refusal().problem

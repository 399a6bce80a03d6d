"""Who was started side by side with others, and who only looks like it."""

from __future__ import annotations

import pytest

from hsm_core.detect.launch_group import LaunchGroup, launch_group, of_groups

TORCHRUN = {
    "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500", "TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_RESTART_COUNT": "0", "GROUP_RANK": "0",
}  # fmt: skip
SRUN = {
    "SLURM_PROCID": "1", "SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "4", "SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0"
}
OMPI = {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "3", "PMIX_NAMESPACE": "prterun-a-1@1"}
PMI = {"PMI_RANK": "1", "PMI_SIZE": "3", "MPI_LOCALNRANKS": "3"}


def group(environ: dict[str, str], host: str = "a") -> LaunchGroup:
    found = launch_group(environ, host)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("environ", "starter", "size"),
    [(TORCHRUN, "torchrun", 2), (SRUN, "srun", 4), (OMPI, "mpirun", 3), (PMI, "mpiexec", 3)],
)
def test_one_of_several(environ: dict[str, str], starter: str, size: int) -> None:
    found = group(environ)
    assert (found.starter, found.rank, found.size) == (starter, 1, size)


@pytest.mark.parametrize(
    "environ",
    [
        {}, {"RANK": "0", "WORLD_SIZE": "2"}, {**TORCHRUN, "RANK": "0", "WORLD_SIZE": "1"},
        {**TORCHRUN, "RANK": "x"}, {**TORCHRUN, "RANK": "2"}, {**TORCHRUN, "WORLD_SIZE": ""},
        pytest.param({"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "7"}, id="a batch script"),
        pytest.param({**SRUN, "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"}, id="the shell of salloc"),
        {"PMI_RANK": "0", "PMI_SIZE": "1"},
    ],
)  # fmt: skip
def test_started_alone(environ: dict[str, str]) -> None:
    assert launch_group(environ, "a") is None


def test_several_torchruns_of_one_process_each_under_srun_are_a_group() -> None:
    environ = {**SRUN, **TORCHRUN, "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}
    assert (group(environ).starter, group(environ).rank) == ("srun", 1)


@pytest.mark.parametrize("environ", [TORCHRUN, SRUN, OMPI, PMI])
def test_all_of_a_group_have_its_key(environ: dict[str, str]) -> None:
    rank = next(name for name in ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK") if name in environ)
    assert group({**environ, rank: "0", "LOCAL_RANK": "0"}).key == group(environ).key


@pytest.mark.parametrize(
    "other", [{"MASTER_PORT": "29501"}, {"SLURM_JOB_ID": "8"}, {"TORCHELASTIC_RUN_ID": "x"}, {"PBS_JOBID": "3.a"}]
)
def test_another_group_has_another_key(other: dict[str, str]) -> None:
    assert group({**TORCHRUN, **other}).key != group(TORCHRUN).key


def test_machines_are_told_apart_where_a_group_is_on_one() -> None:
    assert group(TORCHRUN, "a").key != group(TORCHRUN, "b").key
    spread = {**TORCHRUN, "LOCAL_WORLD_SIZE": "1", "MASTER_ADDR": "10.0.0.1"}
    assert group(spread, "a").key == group(spread, "b").key
    assert group(SRUN, "a").key == group(SRUN, "b").key


def test_what_makes_one_of_a_group_is_named() -> None:
    for environ in (TORCHRUN, OMPI, PMI):
        assert of_groups({**environ, "PATH": "x", "OMPI_MCA_btl": "tcp", "SLURM_CONF": "y"}) == [*environ]
    assert of_groups(SRUN) == [name for name in SRUN if name != "SLURM_JOB_ID"]

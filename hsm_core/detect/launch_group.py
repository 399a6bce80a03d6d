"""Tells whether this process is one of several that one command started side by side: torchrun, mpirun, srun."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class LaunchGroup:
    """The processes that one command started.

    Args:
        starter: the command.
        rank: of this process; 0 is the first.
        size: how many there are, more than one.
        key: names the group in a file name; the same in all of its processes.
    """

    starter: str
    rank: int
    size: int
    key: str


@dataclass(frozen=True)
class _Starter:
    """How a command tells the processes that it starts who they are.

    Args:
        rank, size: variables.
        needs: one of these is set as well, where rank and size alone have names that anybody may use.
        local_size: the variable that says how many of them are on this machine.
        ids: variables that tell one group from another.
    """

    name: str
    rank: str
    size: str
    local_size: str
    ids: tuple[str, ...]
    needs: tuple[str, ...] = ()


#: Sources: torchrun's "Environment Variables"; Open MPI's, MVAPICH's and MPICH's (Hydra process manager) manuals;
#: srun(1), "OUTPUT ENVIRONMENT VARIABLES". Who starts most closely comes first: torchrun may be started by srun.
#: A batch script and a shell within an allocation have SLURM_PROCID=0 and SLURM_NTASKS, but are no step of several.
_STARTERS = (
    _Starter(
        "torchrun", "RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE",
        ("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_ADDR", "MASTER_PORT"),
        needs=("LOCAL_RANK", "MASTER_ADDR"),
    ),
    _Starter(
        "mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE",
        ("PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid", "OMPI_MCA_orte_hnp_uri"),
    ),
    _Starter(
        "mpirun", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_LOCAL_SIZE", ("PMI_ID", "PMI_PORT")
    ),
    _Starter("mpiexec", "PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS", ("PMI_PORT", "PMI_JOBID")),
    _Starter("srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "", ()),
)  # fmt: skip
_JOB_IDS = ("SLURM_JOB_ID", "SLURM_STEP_ID", "PBS_JOBID")
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
#: Whatever makes a process one of a group: beginnings of names, and whole names.
_BEGINNINGS = (
    "TORCHELASTIC_", "OMPI_COMM_WORLD_", "OMPI_MCA_ess_", "OMPI_MCA_orte_", "OMPI_MCA_prte_", "PMIX_", "PMI_",
    "PMI2_", "MV2_COMM_WORLD_", "MPI_LOCAL", "HYDI_", "SLURM_STEP_", "SLURM_SRUN_COMM_",
)  # fmt: skip
_NAMES = frozenset((
    "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE", "NODE_RANK",
    "ROLE_RANK", "ROLE_NAME", "ROLE_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "OMPI_UNIVERSE_SIZE",
    "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID", "SLURM_NTASKS", "SLURM_NPROCS", "SLURM_NTASKS_PER_NODE",
    "SLURM_TASKS_PER_NODE", "SLURM_GTIDS", "SLURM_STEPID", "SLURM_TASK_PID",
))  # fmt: skip


def launch_group(environ: Mapping[str, str], host: str) -> LaunchGroup | None:
    """Returns the group that a process with these variables belongs to; None if it was started alone.

    Args:
        host: this machine's name.
    """
    for starter in _STARTERS:
        rank, size = (_number(environ.get(name, "")) for name in (starter.rank, starter.size))
        named = not starter.needs or any(name in environ for name in starter.needs)
        if rank is not None and size is not None and 0 <= rank < size and size > 1 and named:
            return LaunchGroup(starter.name, rank, size, _key(starter, environ, host))
    return None


def of_groups(environ: Mapping[str, str]) -> list[str]:
    """Returns the names of the variables that make a process one of a group."""
    return [name for name in environ if name in _NAMES or name.startswith(_BEGINNINGS)]


def _key(starter: _Starter, environ: Mapping[str, str], host: str) -> str:
    parts = [f"{name}={environ[name]}" for name in (*starter.ids, *_JOB_IDS) if environ.get(name)]
    if not parts:
        parts.append(f"parent={os.getppid()}")
    alone = environ.get(starter.local_size) == environ[starter.size]
    if alone or environ.get("MASTER_ADDR") in _THIS_MACHINE or parts[0].startswith("parent="):
        parts.append(f"host={host}")
    return f"{starter.name}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:16]}"


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None

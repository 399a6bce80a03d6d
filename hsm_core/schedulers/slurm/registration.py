"""Registers Slurm as a batch system."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hsm_core.hosts.interface import Host
    from hsm_core.model import Resources

    from ..batch_system import Absent, BatchSystem, Finding, JobWriter, System
    from ..interface import Scheduler


class SlurmSystem:
    """See ``BatchSystem``."""

    name, title = "slurm", "Slurm"
    flavours: Mapping[str, str] = {}
    fields = frozenset(
        {
            "qos", "constraint", "exclude", "gres", "cpus_per_gpu", "gpus_per_task", "mem_per_cpu", "mem_per_gpu",
            "comment", "srun_args", "signal_delay_s", "max_num_timeout", "stderr_to_stdout", "additional_parameters",
        }
    )  # fmt: skip
    logs: tuple[str, ...] = ("slurm-{id}_{index}.log", "slurm-{id}.log")
    variables: tuple[str, ...] = ("SLURM_CONF", "SLURM_CLUSTERS")
    status_command = "scontrol ping"

    def find(self, host: Host) -> System | Absent:
        from .site import find_slurm

        return find_slurm(host)

    def require(self, host: Host, flavour: str) -> None:
        from .site import require_slurm

        require_slurm(host)

    def scheduler(self, host: Host, flavour: str) -> Scheduler:
        from .dialect import Slurm

        return Slurm(host)

    def parse(self, own: Mapping[str, object]) -> Resources:
        from .settings import parse

        return parse(own)

    def job_writer(self, scheduler: Scheduler) -> JobWriter:
        from .jobs import SlurmJobs

        return SlurmJobs()

    def is_job(self, native_id: str, typed: str) -> bool:
        return re.fullmatch(rf"{re.escape(native_id)}(?:_\d+)?", typed) is not None

    def index_of(self, native_id: str) -> int:
        return int(native_id.partition("_")[2] or 0)

    def findings(self, host: Host, system: System) -> Iterator[Finding]:
        from .site import slurm_findings

        return slurm_findings(host)


SYSTEM: BatchSystem = SlurmSystem()

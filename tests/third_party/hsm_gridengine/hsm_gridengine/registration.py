"""Grid Engine, as hsm's registry knows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hsm_core.hosts.interface import Host
    from hsm_core.model import Resources
    from hsm_core.schedulers.batch_system import Absent, BatchSystem, Finding, JobWriter, System
    from hsm_core.schedulers.interface import Scheduler

OWN = frozenset({"parallel_environment", "memory_resource", "gpu_resource"})


class GridEngineSystem:
    """See ``BatchSystem``."""

    name, title = "gridengine", "Grid Engine"
    flavours: Mapping[str, str] = {}
    #: its own, and one that PBS has, too
    fields = OWN | {"project"}
    logs: tuple[str, ...] = ("{token}.{number}.log", "{token}.log")
    variables: tuple[str, ...] = ("SGE_ROOT", "SGE_CELL", "SGE_QMASTER_PORT")
    status_command = "qstat -f"

    def find(self, host: Host) -> System | Absent:
        from .site import find_grid_engine

        return find_grid_engine(host)

    def require(self, host: Host, flavour: str) -> None:
        from .site import require_grid_engine

        require_grid_engine(host)

    def scheduler(self, host: Host, flavour: str) -> Scheduler:
        from .dialect import GridEngine

        return GridEngine(host)

    def parse(self, own: Mapping[str, object]) -> Resources:
        from .jobs import parse

        return parse(own)

    def job_writer(self, scheduler: Scheduler) -> JobWriter:
        from .jobs import GridEngineJobs

        return GridEngineJobs()

    def is_job(self, native_id: str, typed: str) -> bool:
        return re.fullmatch(rf"{re.escape(native_id)}(?:\.\d+)?", typed) is not None

    def index_of(self, native_id: str) -> int:
        return int(native_id.partition(".")[2] or 1) - 1

    def findings(self, host: Host, system: System) -> Iterator[Finding]:
        from .site import queue_findings

        return queue_findings(host)


SYSTEM: BatchSystem = GridEngineSystem()

"""Registers PBS Pro, OpenPBS and Torque as one batch system."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hsm_core.hosts.interface import Host
    from hsm_core.model import Resources

    from ..batch_system import Absent, BatchSystem, Finding, JobWriter, System
    from ..interface import Scheduler

_ID = re.compile(r"(\d+)(?:\[(\d*)\])?(?:\.\S+)?")


class PbsSystem:
    """See ``BatchSystem``."""

    name, title = "pbs", "PBS"
    flavours: Mapping[str, str] = {"pbspro": "PBS", "torque": "Torque"}
    fields = frozenset(
        {"select", "place", "project", "storage", "depend", "umask", "ranks_by", "flavour", "template"}
    )
    #: of an element, Torque delivers what it says itself to a file beside the one that its script writes
    logs: tuple[str, ...] = ("{token}.{index}.log", "{token}.log", "{token}.log-{index}")
    variables: tuple[str, ...] = ("PBS_SERVER", "PBS_DEFAULT", "PBS_CONF_FILE")
    status_command = "qstat -B"

    def find(self, host: Host) -> System | Absent:
        from .site import find_pbs_server

        return find_pbs_server(host)

    def require(self, host: Host, flavour: str) -> None:
        self.scheduler(host, flavour)

    def scheduler(self, host: Host, flavour: str) -> Scheduler:
        from .dialect import Pbs
        from .flavour import chosen_flavour

        return Pbs(chosen_flavour(flavour, host), host)

    def parse(self, own: Mapping[str, object]) -> Resources:
        from .settings import parse

        return parse(own)

    def job_writer(self, scheduler: Scheduler) -> JobWriter:
        from .dialect import Pbs
        from .jobs import PbsJobs

        assert isinstance(scheduler, Pbs)
        return PbsJobs(scheduler)

    def is_job(self, native_id: str, typed: str) -> bool:
        job, asked = _ID.fullmatch(native_id), _ID.fullmatch(typed)
        return job is not None and asked is not None and job[1] == asked[1]

    def index_of(self, native_id: str) -> int:
        found = _ID.fullmatch(native_id)
        return int(found[2] or 0) if found else 0

    def findings(self, host: Host, system: System) -> Iterator[Finding]:
        from .site import pbs_findings

        return pbs_findings(system, host)


SYSTEM: BatchSystem = PbsSystem()

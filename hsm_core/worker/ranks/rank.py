"""Tells a rank of a task its number, and where it meets the others."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

#: Ports of rendezvous: above those of system services, below those that kernels hand out (from 32768 on).
_PORTS = range(10_000, 20_000)


@dataclass(frozen=True)
class Rank:
    """One of the processes that run a task together.

    Args:
        number: 0 claims, reports and returns; the others join it.
        count: how many there are.
        local: which one on its node.
        master: host name of rank 0.
    """

    number: int
    count: int
    local: int
    master: str

    def variables(self, meeting: str) -> dict[str, str]:
        """Returns the variables for the task's process, with those that PyTorch reads.

        Args:
            meeting: job, task and attempt: the port is another for each, and the same for all ranks.
        """
        return {
            "MASTER_ADDR": self.master, "MASTER_PORT": str(_PORTS[zlib.crc32(meeting.encode()) % len(_PORTS)]),
            "RANK": str(self.number), "WORLD_SIZE": str(self.count), "LOCAL_RANK": str(self.local),
            "HSM_RANK": str(self.number),
        }  # fmt: skip

"""A machine behind SSH, whatever speaks SSH with it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from hsm_core.hosts.agent.channel import Channel
from hsm_core.hosts.agent.client import Timing, start_line
from hsm_core.hosts.agent.remote_host import RemoteHost
from hsm_core.hosts.interface import Patience

from .address import HostAddress, Transport
from .recorded import written


class SshHost(RemoteHost):
    """A machine behind SSH; nobody is ever asked for anything.

    Args:
        address: how its user wrote it.
        config: the SSH configuration; None: the user's own and the system's.
        patience: of who waits for its commands; None: nobody does.

    Attributes:
        transport: what speaks SSH; a later process uses the same.
    """

    transport: ClassVar[Transport]

    def __init__(
        self, address: HostAddress, config: Path | None = None, patience: Patience | None = None,
        timing: Timing | None = None,
    ) -> None:  # fmt: skip
        times, name = timing or Timing(), f"ssh:{address.name}"
        line = start_line(name, address.python, times)
        settings = written(replace(address, transport=self.transport), config)
        super().__init__(name, lambda: self.open_channel(address, config, line), patience, times, settings)

    @staticmethod
    @abstractmethod
    def open_channel(address: HostAddress, config: Path | None, line: str) -> Channel:
        """Logs in and runs a line in the login shell there.

        Raises:
            HostTrouble: see ``RemoteHost``.
        """

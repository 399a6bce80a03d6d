"""Reaches a machine with paramiko, over one connection."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hsm_core.hosts.agent.client import Timing, start_line
from hsm_core.hosts.agent.remote_host import RemoteHost
from hsm_core.hosts.interface import Patience

from .address import HostAddress
from .paramiko_channel import Login, ParamikoChannel
from .recorded import written


class SshHost(RemoteHost):
    """A machine behind SSH.

    Args:
        address: how its user wrote it.
        config: the SSH configuration; None: the user's own and the system's.
        patience: of who waits for its commands; None: nobody does.
    """

    def __init__(
        self, address: HostAddress, config: Path | None = None, patience: Patience | None = None,
        timing: Timing | None = None,
    ) -> None:  # fmt: skip
        times = timing or Timing()
        name = f"ssh:{address.name}"
        line = start_line(name, address.python, times)
        super().__init__(
            name, lambda: ParamikoChannel(Login(address, config), line), patience, times,
            written(replace(address, transport="paramiko"), config),
        )

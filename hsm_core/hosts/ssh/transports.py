"""Chooses what speaks SSH with a host: paramiko, or the system's ssh."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from hsm_core.errors import BackendError
from hsm_core.hosts.agent.client import Timing
from hsm_core.hosts.agent.remote_host import RemoteHost
from hsm_core.hosts.interface import Patience

from .address import HostAddress
from .recorded import read_written


def from_record(name: str, settings: Mapping[str, str], patience: Patience | None) -> RemoteHost:
    """Makes the host that a sweep's record names.

    Args:
        name: ``ssh:`` and the host's own name.
        settings: see ``recorded.written``.

    Raises:
        BackendError: the record does not say how it is reached, or paramiko is asked for and not installed.
    """
    address, config = read_written(name.partition(":")[2], settings)
    return make_host(address, config, patience)


def make_host(
    address: HostAddress, config: Path | None = None, patience: Patience | None = None, timing: Timing | None = None
) -> RemoteHost:
    """Makes a host with the transport that it asks for; ``auto`` is paramiko, where that is installed.

    Args:
        config: the SSH configuration; None: the user's own and the system's.
        patience: of who waits for its commands; None: nobody does.

    Raises:
        BackendError: paramiko is asked for and not installed.
    """
    if uses_openssh(address):
        from .openssh_host import OpenSshHost

        return OpenSshHost(address, config, patience, timing)
    from .paramiko_host import ParamikoHost

    return ParamikoHost(address, config, patience, timing)


def uses_openssh(address: HostAddress) -> bool:
    """Returns whether the system's ssh is used for a host, and not paramiko.

    Raises:
        BackendError: paramiko is asked for and not installed.
    """
    has_paramiko = find_spec("paramiko") is not None
    if address.transport == "paramiko" and not has_paramiko:
        raise BackendError(
            f"{address.name} has transport: paramiko, which is not installed here",
            fix="pip install paramiko    # or transport: openssh, the system's own ssh",
        )
    return address.transport == "openssh" or not has_paramiko

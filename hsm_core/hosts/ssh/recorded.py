"""Writes down how a host is reached, and makes the host again from that, in any later process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from hsm_core.errors import BackendError, ConfigError
from hsm_core.hosts.agent.client import Timing
from hsm_core.hosts.agent.remote_host import RemoteHost
from hsm_core.hosts.interface import Patience

from .address import HostAddress, read_address

#: The words under which a source's record keeps them.
ADDRESS, CONFIG = "address", "ssh_config"


def written(address: HostAddress, config: Path | None) -> dict[str, str]:
    """Returns what ``from_record`` makes the host of: no key and no password is among it."""
    usual = asdict(HostAddress(address.name, address.host))
    said = {key: value for key, value in asdict(address).items() if value != usual[key]}
    told = json.dumps({"name": address.name, "host": address.host, **said}, ensure_ascii=False)
    return {ADDRESS: told} | ({CONFIG: str(config.absolute())} if config else {})


def from_record(name: str, settings: Mapping[str, str], patience: Patience | None) -> RemoteHost:
    """Makes the host that a record names.

    Args:
        name: ``ssh:`` and the host's own name, which alone is enough for an alias of the SSH configuration.
        settings: see ``written``.

    Raises:
        BackendError: the record does not say how it is reached.
    """
    own = name.partition(":")[2]
    try:
        address = read_address(json.loads(settings[ADDRESS]) if ADDRESS in settings else {"name": own})
    except (ValueError, RecursionError, ConfigError) as error:
        raise BackendError(f"the sweep's record does not say how {own} is reached", evidence=str(error)) from error
    if address.name != own:
        raise BackendError(f"the sweep's record tells how {address.name} is reached, and not {own}")
    config = Path(settings[CONFIG]) if CONFIG in settings else None
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
    has_paramiko = find_spec("paramiko") is not None
    if address.transport == "paramiko" and not has_paramiko:
        raise BackendError(
            f"{address.name} has transport: paramiko, which is not installed here",
            fix="pip install paramiko    # or transport: openssh, the system's own ssh",
        )
    if address.transport == "openssh" or not has_paramiko:
        from .openssh_host import OpenSshHost

        return OpenSshHost(address, config, patience, timing)
    from .ssh_host import SshHost

    return SshHost(address, config, patience, timing)

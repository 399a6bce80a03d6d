"""Writes down how a host is reached, and reads that again in any later process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from hsm_core.errors import BackendError, ConfigError

from .address import HostAddress, read_address

#: The words under which a source's record keeps them.
ADDRESS, CONFIG = "address", "ssh_config"


def written(address: HostAddress, config: Path | None) -> dict[str, str]:
    """Returns what ``read_written`` reads; no key and no password is among it."""
    usual = asdict(HostAddress(address.name, address.host))
    said = {key: value for key, value in asdict(address).items() if value != usual[key]}
    told = json.dumps({"name": address.name, "host": address.host, **said}, ensure_ascii=False)
    return {ADDRESS: told} | ({CONFIG: str(config.absolute())} if config else {})


def read_written(name: str, settings: Mapping[str, str]) -> tuple[HostAddress, Path | None]:
    """Returns a host's address, and the SSH configuration that its user named.

    Args:
        name: the host's own, which alone is enough for an alias of the SSH configuration.

    Raises:
        BackendError: the settings don't say how this host is reached.
    """
    try:
        address = read_address(json.loads(settings[ADDRESS]) if ADDRESS in settings else {"name": name})
    except (ValueError, RecursionError, ConfigError) as error:
        raise BackendError(f"the sweep's record does not say how {name} is reached", evidence=str(error)) from error
    if address.name != name:
        raise BackendError(f"the sweep's record tells how {address.name} is reached, and not {name}")
    return address, Path(settings[CONFIG]) if CONFIG in settings else None


def ssh_options(address: HostAddress, config: Path | None) -> list[str]:
    """Returns what follows ``ssh`` on a line that goes to a host; the login is last."""
    port = ["-p", str(address.port)] if address.port else []
    return [*(["-F", str(config)] if config else []), *port, address.login]


def words_to_type(name: str, settings: Mapping[str, str]) -> list[str]:
    """Returns the options by which a command is told of a host again.

    Args:
        name: the host's own.
        settings: see ``written``.

    Raises:
        BackendError: the settings don't say how this host is reached.
    """
    address, config = read_written(name, settings)
    transport = ["--transport", "openssh"] if address.transport == "openssh" else []
    reaching = replace(
        address, slots=None, gpus=None, gpus_free=False, tasks_per_gpu=1, transport="auto", project=None, path_map=()
    )
    is_plain = read_address(address.login) == reaching
    shown = address.login if is_plain else written(reaching, None)[ADDRESS]
    return ["--host", shown, *transport, *(["--ssh-config", str(config)] if config else [])]

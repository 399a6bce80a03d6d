"""Reads the hosts that hsm doctor is given: as a sweep's launcher takes them, a mapping included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hsm_core.errors import ConfigError
from hsm_core.hosts.ssh.address import HostAddress, Transport, read_addresses


def read_hosts(entries: Sequence[str], transport: Transport | None) -> tuple[HostAddress, ...]:
    """Returns the hosts that were typed.

    Args:
        transport: of them all; None: as each of them says.

    Raises:
        ConfigError: one is wrong, or two have one name.
    """
    addresses = read_addresses([_entry(one) for one in entries])
    return tuple(replace(one, transport=transport) if transport else one for one in addresses)


def _entry(text: str) -> object:
    if not text.startswith("{"):
        return text
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"this names no host: {text}", evidence=" ".join(str(error).split()),
            fix="hsm doctor --host '{name: box3, host: 10.0.0.3, port: 2222}'",
        ) from error  # fmt: skip

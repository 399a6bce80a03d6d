"""Examines machines behind SSH for hsm doctor: one after the other's answer, all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path

from hsm_core.errors import BackendError, HsmError
from hsm_core.hosts.interface import Patience
from hsm_core.hosts.ssh.address import HostAddress
from hsm_core.hosts.ssh.host_key import login_line
from hsm_core.hosts.ssh.ssh_config import resolve
from hsm_core.hosts.ssh.transports import make_host
from hsm_core.hosts.ssh.trial import try_login
from hsm_core.schedulers.batch_system import Finding

from ..terminal import remark
from .host_checks import Asked, host_findings
from .host_login import bad, login_findings

#: Logins at once: servers refuse more that come together.
_AT_ONCE = 8
#: Does something on a host that answers, before it is examined.
First = Callable[[Asked], None]


def examine_all(
    addresses: Sequence[HostAddress], config: Path | None, first: First | None = None
) -> Iterator[tuple[HostAddress, list[Finding]]]:
    """Yields each host with its findings, in order.

    Args:
        config: the SSH configuration; None: the user's own and the system's.
        first: done on each host before it is examined, one host after the other.
    """
    if first is not None:
        for address in addresses:
            yield address, list(examine(address, config, first))
        return
    with ThreadPool(min(_AT_ONCE, len(addresses))) as pool:  # its threads end with the process, as Ctrl-C wants it
        yield from zip(addresses, pool.imap(lambda one: list(examine(one, config)), addresses), strict=True)


def examine(address: HostAddress, config: Path | None, first: First | None = None) -> Iterator[Finding]:
    """Yields what keeps sweeps from a host, or what it has for them; see ``examine_all``."""
    try:
        target = resolve(address, config)
    except HsmError as error:
        yield bad("ssh configuration", error)
        return
    trial = try_login(address, config)
    login = login_line(address, config)
    found = list(login_findings(trial, target, login))
    yield from found
    if any(one.level == "bad" for one in found):
        return
    host = make_host(address, config, Patience(say=lambda text: remark(f"{address.name}: {text}")))
    asked = Asked(host, address, login)
    try:
        if first is not None:
            first(asked)
        yield from host_findings(asked)
    except BackendError as error:
        yield bad("install", error)
    finally:
        host.close()

"""Finds the host that a sweep's record names; each kind of host is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hsm_core.errors import BackendError

from .interface import Host, Patience
from .local import LocalHost

#: What makes a host: its name and settings in a source's record, and the patience of who waits for its commands.
Make = Callable[[str, Mapping[str, str], Patience | None], Host]


def _ssh(name: str, settings: Mapping[str, str], patience: Patience | None) -> Host:
    from .ssh.transports import from_record

    return from_record(name, settings, patience)


KINDS: dict[str, Make] = {"local": lambda name, settings, patience: LocalHost(patience), "ssh": _ssh}


def is_here(name: str) -> bool:
    """Returns whether a host is this machine: nothing that a record says beside its name decides what is run then."""
    return name.partition(":")[0] == "local"


def open_host(
    name: str, patience: Patience | None = None, settings: Mapping[str, str] | None = None
) -> Host:
    """Returns the host that ``SourceRecord.host`` names.

    Args:
        name: its kind (``local``, ``ssh``), and after a colon which one of that kind, where there are several.
        patience: of who waits for its commands; None: nobody does.
        settings: how it is reached, see ``Host.settings``; other words among them are passed over.

    Raises:
        BackendError: no kind of host has this name, or the settings don't say how it is reached.
    """
    kind = name.partition(":")[0]
    if kind not in KINDS:
        raise BackendError(
            f"the sweep uses a machine of an unknown kind: '{name}'", evidence=f"known kinds: {', '.join(KINDS)}",
            fix="hsm --version    # the sweep's own version knows it, see .hsm/sweep.json",
        )  # fmt: skip
    return KINDS[kind](name, settings or {}, patience)

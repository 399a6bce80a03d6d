"""Finds the host that a sweep's record names; each kind of host is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable

from hsm_core.errors import BackendError

from .interface import Host, Patience
from .local import LocalHost

#: What makes the hosts of a kind: by the name in the record, and the patience of who waits for its commands.
KINDS: dict[str, Callable[[str, Patience | None], Host]] = {
    "local": lambda _, patience: LocalHost(patience),
}


def open_host(name: str, patience: Patience | None = None) -> Host:
    """Returns the host that ``SourceRecord.host`` names.

    Args:
        name: its kind (``local``), and after a colon which one of that kind, where there are several.
        patience: of who waits for its commands; None: nobody does.

    Raises:
        BackendError: no kind of host has this name.
    """
    kind = name.partition(":")[0]
    if kind not in KINDS:
        raise BackendError(
            f"the sweep uses a machine of an unknown kind: '{name}'", evidence=f"known kinds: {', '.join(KINDS)}",
            fix="hsm --version    # the sweep's own version knows it, see .hsm/sweep.json",
        )  # fmt: skip
    return KINDS[kind](name, patience)

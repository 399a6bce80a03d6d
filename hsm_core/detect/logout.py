"""Tells whether a machine ends a user's processes when the user logs out."""

from __future__ import annotations

from typing import Literal

from hsm_core.hosts.interface import Host
from hsm_core.hosts.local import LocalHost
from hsm_core.schedulers.batch_system import asked

_MANAGER = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")


def at_logout(host: Host) -> Literal["ended", "kept", "unknown"]:
    """Returns what systemd does with processes: ends them (``KillUserProcesses``) unless the user lingers.

    Unknown where no systemd answers: then nothing is known to end them.
    """
    told = asked(host, ["busctl", "get-property", *_MANAGER, "KillUserProcesses"])
    if told.code != 0 or told.out.strip() not in ("b true", "b false"):
        return "unknown"
    if told.out.strip() == "b false":
        return "kept"
    lingers = asked(host, ["loginctl", "show-user", host.user, "-p", "Linger"])
    return "kept" if lingers.out.strip() == "Linger=yes" else "ended"


def kills_at_logout() -> bool:
    """Returns whether this machine is known to end them."""
    return at_logout(LocalHost()) == "ended"

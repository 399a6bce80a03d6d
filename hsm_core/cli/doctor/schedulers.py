"""Asks batch systems for hsm doctor: who they are, where jobs may go, and what limits there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hsm_core.detect.scheduler import find_systems
from hsm_core.errors import HsmError
from hsm_core.hosts.interface import Host
from hsm_core.model import counted
from hsm_core.schedulers.batch_system import Absent, Finding, System
from hsm_core.schedulers.interface import Allowed
from hsm_core.schedulers.registry import find_system, make_scheduler, title_of


def scheduler_findings(host: Host) -> Iterator[Finding]:
    """Yields findings for each batch system that hsm speaks."""
    found = find_systems(host)
    paths = [one.path for one in found if isinstance(one, System)]
    for system in found:
        if isinstance(system, Absent) and system.odd and any(path in system.why for path in paths):
            system = replace(system, odd=False)  # its commands are there, but another system's that is all right
        yield from _of(system, host)


def _of(system: System | Absent, host: Host) -> Iterator[Finding]:
    title = title_of(system.name)
    if isinstance(system, Absent):
        said = system.why if system.odd else f"not here: {system.why}"
        yield Finding(title, "note" if system.odd else "ok", said, system.fix)
        return
    yield _identity(title, system)
    registered = find_system(system.name)
    if system.trouble:
        yield Finding(title, "bad", f"does not answer: {system.trouble}", registered.status_command)
        return
    yield from registered.findings(host, system)
    yield _limits(title, system, host)


def _identity(title: str, system: System) -> Finding:
    if system.wrapped:
        said = f"{system.path}: {system.version}, wrapped by a script of this site"
        return Finding(title, "note", said, f"head {system.path}    # if submissions fail, read it first")
    return Finding(title, "ok", f"{system.path}: {system.version}")


def _limits(title: str, system: System, host: Host) -> Finding:
    name = f"{title} limits"
    try:
        allowed = make_scheduler(system.name, host).allowed(None, None, None)
    except HsmError as error:
        return Finding(name, "note", f"unknown: {error.evidence or error.problem}", error.fix)
    where = f" ({allowed.evidence})" if allowed.evidence else ""
    return Finding(name, "ok", _allowed_words(allowed) + where)


def _allowed_words(allowed: Allowed) -> str:
    """Returns limits as a user meets them: larger sweeps are divided, or wait for room."""
    sizes = [size for size in (allowed.array_index, allowed.array_size) if size is not None]
    if not sizes and allowed.lowest is None:
        return "none"
    array = f"arrays of at most {min(sizes)}" if sizes else "arrays of any size"
    room = "any number of jobs" if allowed.lowest is None else f"at most {counted(allowed.lowest.most, 'job')}"
    return f"{array}, {room} in the queue; larger sweeps are split"

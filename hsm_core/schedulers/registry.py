"""Finds the batch system that a launcher or a submission names: hsm's own, and those that other packages register.

Hsm's own are found without a look at the entry points of the installed packages, which costs 20 ms and more.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from hsm_core.errors import BackendError
from hsm_core.hosts.interface import Host

from .batch_system import Absent, BatchSystem
from .interface import Scheduler

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "hsm.schedulers"


@cache
def own_systems() -> tuple[BatchSystem, ...]:
    """Returns hsm's own batch systems."""
    names = sorted(path.parent.name for path in Path(__file__).parent.glob("*/registration.py"))
    return tuple(import_module(f"{__package__}.{name}.registration").SYSTEM for name in reversed(names))


@cache
def _entries() -> tuple[EntryPoint, ...]:
    from importlib.metadata import entry_points

    own = {system.name for system in own_systems()}
    return tuple(entry for entry in entry_points(group=GROUP) if entry.name not in own)


def all_systems() -> Iterator[BatchSystem | Absent]:
    """Yields all registered batch systems; for one whose package can't be loaded, the reason."""
    yield from own_systems()
    for entry in _entries():
        try:
            yield _loaded(entry)
        except BackendError as error:
            yield Absent(entry.name, f"{error.problem}: {error.evidence}", odd=True, fix=error.fix)


def find_system(name: str) -> BatchSystem:
    """Returns the batch system with this name, or with a flavour of this name.

    Raises:
        BackendError: there is none, or its package can't be loaded.
    """
    for system in own_systems():
        if name == system.name or name in system.flavours:
            return system
    for entry in _entries():
        if name == entry.name:
            return _loaded(entry)
    for system in (one for one in all_systems() if not isinstance(one, Absent)):
        if name in system.flavours:
            return system
    known = ", ".join([*(system.name for system in own_systems()), *(entry.name for entry in _entries())])
    raise BackendError(
        f"there is no scheduler '{name}'", evidence=f"there are: {known}",
        fix=f"install the package that brings it, for this Python    # entry point {GROUP}",
    )  # fmt: skip


def title_of(name: str) -> str:
    """Returns its name in messages: ``Slurm``; an unknown one keeps its own name."""
    try:
        system = find_system(name)
    except BackendError:
        return name
    return system.flavours.get(name, system.title)


def variables_of(name: str) -> tuple[str, ...]:
    """Returns the environment variables that select its server; none for an unknown system."""
    try:
        return find_system(name).variables
    except BackendError:
        return ()


def make_scheduler(name: str, host: Host, flavour: str = "auto") -> Scheduler:
    """Returns the dialect that a launcher or a submission names.

    Args:
        name: ``slurm``, ``pbs``, or one flavour of it: ``pbspro``, ``torque``.
        host: where its commands run.
        flavour: where ``name`` is none itself; ``auto``: as its commands say.

    Raises:
        BackendError: there is none of this name, or the host has not its commands.
        ConfigError: there is no such flavour.
    """
    system = find_system(name)
    return system.scheduler(host, name if name in system.flavours else flavour)


def _loaded(entry: EntryPoint) -> BatchSystem:
    try:
        system: BatchSystem = entry.load()
    except (ImportError, AttributeError) as error:
        raise BackendError(
            f"the package of the scheduler '{entry.name}' can't be loaded",
            evidence=f"{entry.value}: {error}", fix=f"python -c 'import {entry.module}'",
        ) from error
    return system

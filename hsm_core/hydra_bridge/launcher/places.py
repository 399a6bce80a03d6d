"""The places that a launcher gives its tasks to: one on this machine, or as many as it has hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from hsm_core.hosts.interface import Patience
from hsm_core.hosts.registry import open_host
from hsm_core.settings import LauncherSettings
from hsm_core.sources.interface import Source
from hsm_core.sources.registry import (
    SourceSettings,
    check_fields,
    describe,
    describe_anyhow,
    make_source,
    queue_at,
    require_here,
)
from hsm_core.sources.worker_command import job_worker
from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import SourceRecord
from hsm_core.store.submission import WorkerSpec

from .local_paths import Named
from .pool_worker import gpus_in_vain, pool_worker

#: Over SSH: the place whose sources are the hosts that the user names.
OVER_SSH = "ssh"


class Places(Protocol):
    """The places of one launcher."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether they share no disk with this machine."""

    @property
    def worker(self) -> WorkerSpec:
        """How tasks run that wish for nothing of their own; each host has a say in it."""

    def require(self, paths: SweepPaths, common: SourceSettings, named: Named) -> None:
        """Refuse, before anything is written, what can't work; warns of what may not.

        Args:
            named: returns paths here, each with the key of the app's config that names it.

        Raises:
            HsmError: it says why.
        """

    def tell_missing(self, named: Mapping[str, str]) -> None:
        """Warns of paths that are here and not there.

        Args:
            named: each with a key that names it.
        """

    def require_code(self, code_root: Callable[[], str]) -> None:
        """Refuses a new sweep whose code they lack, or have otherwise.

        Args:
            code_root: returns the app's directory.

        Raises:
            BackendError: it names what differs.
        """

    def records(self) -> tuple[SourceRecord, ...]:
        """Returns what later processes need to ask there.

        Raises:
            HsmError: there is no such place.
        """

    def sources(self, paths: SweepPaths, settings: SourceSettings) -> Sequence[Source]:
        """Returns the sources that take the tasks."""

    def preview(
        self, paths: SweepPaths, settings: SourceSettings, tasks: Sequence[int], *, detached: bool
    ) -> Sequence[str]:
        """Returns what would be submitted for these tasks, as lines to read."""

    def ignored(self) -> Sequence[str]:
        """Returns the fields that were set and mean nothing there."""


def places_of(name: str, settings: LauncherSettings, patience: Patience, source: str = "") -> Places:
    """Returns the places of a launcher.

    Args:
        name: as its class says it.
        patience: of who waits for the commands there.
        source: what it is called, if there may be several of this name.

    Raises:
        ConfigError: the settings mean nothing there.
    """
    if name == OVER_SSH:
        from .over_ssh import OverSsh

        return OverSsh(settings, patience)
    return Here(name, settings, patience, source or name)


class Here:
    """A pool of this machine, or a batch system whose commands run on it.

    Args:
        name: of the place.
        source: what it is called.
    """

    is_elsewhere = False

    def __init__(self, name: str, settings: LauncherSettings, patience: Patience, source: str) -> None:
        self._name, self._settings, self._is_pool = name, settings, queue_at(name) is None
        self._source = source
        self._host = open_host("local", patience)
        self._described: SourceRecord | None = None
        self.worker = (
            replace(pool_worker(settings), source=source) if self._is_pool else job_worker(settings, source)
        )

    def require(self, paths: SweepPaths, common: SourceSettings, named: Named) -> None:
        require_here(self._name, self._settings.flavour, self._host)
        check_fields(self._name, paths, common, self._host)

    def tell_missing(self, named: Mapping[str, str]) -> None:
        """This machine has what it has, and a cluster's nodes see the same disk."""

    def require_code(self, code_root: Callable[[], str]) -> None:
        """They have it: they see the same disk."""

    def records(self) -> tuple[SourceRecord, ...]:
        if self._described is None:
            found = describe(self._name, self._host, self._settings.flavour)
            self._described = replace(found, name=self._source)
        return (self._described,)

    def sources(self, paths: SweepPaths, settings: SourceSettings) -> Sequence[Source]:
        return [make_source(record, paths, settings, self._host) for record in self.records()]

    def preview(
        self, paths: SweepPaths, settings: SourceSettings, tasks: Sequence[int], *, detached: bool
    ) -> Sequence[str]:
        record, note = describe_anyhow(self._name, self._host, self._settings.flavour)
        source = make_source(replace(record, name=self._source), paths, settings, self._host)
        lines = source.preview(tasks, detached=detached)
        return [*filter(None, [note]), *lines]

    def ignored(self) -> Sequence[str]:
        more = gpus_in_vain(self._settings, self.worker) if self._is_pool else ()
        return [*self._settings.ignored, *more]

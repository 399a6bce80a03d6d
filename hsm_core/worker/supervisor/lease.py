"""Tells a worker on a machine that its conductor may give up whether its tasks are still its own."""

from __future__ import annotations

from pathlib import Path

from hsm_core.processes.identity import boot_clock
from hsm_core.store.away.worker_lease import REVOKED, WorkerLease, read_worker_lease


class OwnLease:
    """The lease of this worker; a worker without one may run its tasks for ever.

    Args:
        path: where its conductor writes it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._newest: WorkerLease | None = read_worker_lease(path)

    @property
    def is_over(self) -> bool:
        """Whether the tasks are no longer this worker's."""
        newest = self._read()
        return newest is not None and (newest.word == REVOKED or boot_clock() > newest.until)

    @property
    def seconds(self) -> float:
        return self._newest.seconds if self._newest else 0.0

    @property
    def grace_s(self) -> float:
        return self._newest.grace_s if self._newest else 0.0

    def is_long_over(self) -> bool:
        """Returns whether the tasks' grace is over, too: the machine was asleep, or this process was stopped."""
        newest = self._newest
        if newest is None:
            return False
        return newest.word == REVOKED or boot_clock() > newest.until + newest.grace_s

    def _read(self) -> WorkerLease | None:
        """Reads the lease; one that can't be read, or comes of an earlier conductor, changes nothing."""
        if self._newest is not None:
            found = read_worker_lease(self._path)
            if found is not None and found.epoch >= self._newest.epoch:
                self._newest = found
        return self._newest

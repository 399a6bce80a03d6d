"""Renews the leases of the workers on a machine, and knows of each when it has surely run out there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from hsm_core.errors import HostClosed, HostDown, HsmError
from hsm_core.hosts.interface import Host
from hsm_core.store.away.fences import begin_fences
from hsm_core.store.away.worker_lease import HELD, RELEASED, REVOKED, WorkerLease, read_worker_lease
from hsm_core.store.files import write_atomically
from hsm_core.store.layout import SweepPaths
from hsm_core.store.lease import last_lease

#: Renewals within a lease's time, and the seconds between two of them at most.
_EACH, _MOST_S = 5.0, 15.0


@dataclass
class _Known:
    """A lease, and when it has surely run out, by this machine's monotonic clock: time asleep does not count."""

    lease: WorkerLease
    surely_at: float


class Leases:
    """The leases of a host's workers, for the process that conducts their sweep; what it decides is on disk here.

    Args:
        root: returns where the sweep lies on the host.
    """

    def __init__(self, paths: SweepPaths, host: Host, root: Callable[[], Path]) -> None:
        self._paths, self._host, self._root = paths, host, root
        self._known: dict[str, _Known | None] = {}
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._epoch = 0
        self._keeps = self._may_give_up = False

    def give(self, worker: str, seconds: float, grace_s: float) -> None:
        """Puts a lease there before its worker is started.

        Raises:
            OSError: the host, or the disk here, refuses.
        """
        lease = WorkerLease(self._own_epoch(), HELD, seconds, grace_s)
        began = self._host.clock(), time.monotonic()
        self._write_here(worker, lease)
        self._known[worker] = _Known(lease, began[1] + lease.surely_s)
        self._host.write(self._there(worker), replace(lease, heard=began[0]).to_bytes())

    def learn(self, worker: str) -> None:
        """Notes a worker of the sweep; what an earlier conductor wrote to it, it wrote before now."""
        if worker not in self._known:
            lease = read_worker_lease(self._paths.inbox(worker, "lease"))
            is_for_ever = lease is not None and lease.word == RELEASED
            surely_at = float("inf") if lease is None or is_for_ever else time.monotonic() + lease.surely_s
            self._known[worker] = None if lease is None else _Known(lease, surely_at)

    def keep(self, *, may_give_up: bool = True) -> None:
        """From now on renews what is held, until ``close``, however long the host's other calls take.

        Args:
            may_give_up: tasks may go elsewhere; else workers go on without anybody.
        """
        self._keeps, self._may_give_up = True, may_give_up
        if self._thread is not None and self._ended.is_set():  # it gets no more tasks, but is still watched
            self._thread, self._ended = None, threading.Event()
        if self._thread is None and any(self._known.values()):
            work, name = partial(self._renew_on, self._ended), f"leases on {self._host.name}"
            self._thread = threading.Thread(target=work, name=name, daemon=True)
            self._thread.start()

    def has_run_out(self, worker: str) -> bool:
        """Returns whether the tasks of a worker have surely ended there, also where nobody answers."""
        known = self._known.get(worker)
        return known is not None and known.lease.word != REVOKED and time.monotonic() > known.surely_at

    def is_revoked(self, worker: str) -> bool:
        """Returns whether a worker's tasks were given up."""
        known = self._known.get(worker)
        return known is not None and known.lease.word == REVOKED

    def seconds_of(self, worker: str) -> float:
        known = self._known.get(worker)
        return 0.0 if known is None else known.lease.seconds

    def outlook(self) -> str:
        """Returns what becomes of tasks that are given up here after a while; empty if none are.

        It stays the same once they are: so it is told once.
        """
        held = [one.lease.seconds for one in self._known.values() if one is not None and one.lease.word != RELEASED]
        if not held or not self._may_give_up:
            return ""
        seconds = max(held)
        time_s = f"{seconds:.0f} s" if seconds < 300 else f"{seconds / 60:.0f} min"
        return f"; its tasks go to others if it stays away for {time_s}"

    def revoke(self, worker: str) -> bool:
        """Gives up a worker's tasks, if its lease has surely run out; it is told when the host is back.

        Only who keeps the leases may: whoever just looks does not know what others write there.

        Raises:
            OSError: the disk here refuses.
        """
        with self._lock:
            known = self._known.get(worker)
            if not self._may_give_up or known is None or not self.has_run_out(worker):
                return False
            begin_fences(self._paths)
            self._note(worker, replace(known.lease, epoch=self._own_epoch(), word=REVOKED))
        return True

    def tell(self, worker: str) -> None:
        """Writes there what holds of a worker's lease.

        Raises:
            OSError, ValueError: the host refuses.
        """
        known = self._known.get(worker)
        if known is not None:
            with self._sending:
                lease = replace(known.lease, epoch=self._own_epoch())
                self._host.overwrite(self._there(worker), lease.to_bytes())

    def forget(self, worker: str) -> None:
        """A worker has ended, and needs none any more."""
        self._known[worker] = None

    def release(self, worker: str) -> None:
        """Whoever kept the leases ends: has a worker go on without anybody.

        Raises:
            OSError, ValueError: the host, or the disk here, refuses.
        """
        with self._lock:
            known = self._known.get(worker)
            if not self._keeps or known is None or known.lease.word != HELD:
                return
            before, known.surely_at = known.surely_at, float("inf")
            self._note(worker, replace(known.lease, word=RELEASED))
        try:
            self.tell(worker)
        except (HostDown, HostClosed):  # it was surely not told
            known.surely_at = before
            self._note(worker, replace(known.lease, word=HELD))
            raise

    def close(self) -> None:
        """Renews nothing any more."""
        self._ended.set()

    def _renew_on(self, ended: threading.Event) -> None:
        while not ended.wait(self._pause_s()):
            with suppress(HsmError, OSError, ValueError):  # whoever polls the host tells of it
                self.renew()

    def renew(self) -> None:
        """Renews what is held.

        Raises:
            OSError, ValueError: the host, or the disk here, refuses.
        """
        if not self._may_give_up:
            for worker in list(self._known):
                self.release(worker)
                self.tell(worker)  # once more: an answer may have been lost
            return
        heard, now = self._host.clock(), time.monotonic()
        for worker, known in list(self._known.items()):
            with self._lock:
                if known is None or known.lease.word == REVOKED or self._ended.is_set():
                    continue
                lease = replace(known.lease, epoch=self._own_epoch(), word=HELD, heard=heard)
                known.surely_at = max(known.surely_at, now + lease.surely_s)
            with self._sending:
                if not self._ended.is_set():
                    self._host.overwrite(self._there(worker), lease.to_bytes())
            with self._lock:
                if known.lease.word == RELEASED and not self._ended.is_set():
                    known.surely_at = now + lease.surely_s  # what was for ever is surely replaced
                    self._note(worker, lease)

    def _pause_s(self) -> float:
        seconds = [one.lease.seconds for one in list(self._known.values()) if one is not None]
        return min([_MOST_S, *(one / _EACH for one in seconds)])

    def _note(self, worker: str, lease: WorkerLease) -> None:
        """Writes down here what is going to be written there."""
        self._write_here(worker, lease)
        known = self._known[worker]
        assert known is not None
        known.lease = lease

    def _write_here(self, worker: str, lease: WorkerLease) -> None:
        write_atomically(self._paths.inbox(worker, "lease"), lease.to_bytes())

    def _there(self, worker: str) -> Path:
        return self._root() / self._paths.inbox(worker, "lease").relative_to(self._paths.root)

    def _own_epoch(self) -> int:
        if not self._epoch:
            self._epoch = last_lease(self._paths)
        return self._epoch

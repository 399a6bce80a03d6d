"""Keeps a sweep to one conductor: whoever creates the next lease conducts; a dead holder is succeeded."""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import asdict
from pathlib import Path

from hsm_core.errors import LeaseHeld, StoreError
from hsm_core.model import ProcessIdentity
from hsm_core.overrides import quoted
from hsm_core.parsing import flag, process
from hsm_core.processes.identity import evidence_of_death, this_host, this_process

from .files import create_exclusively, nonce, read_json, to_json, write_atomically
from .layout import SweepPaths

#: Seconds between two beats of a conductor, and after how many without one another host may take over.
BEAT_S, STALE_S = 10.0, 120.0

_NUMBER = re.compile(r"[1-9]\d{0,8}", re.ASCII)


class Lease:
    """The right of its ``holder`` to conduct a sweep, kept by beats."""

    def __init__(self, paths: SweepPaths, number: int, holder: ProcessIdentity) -> None:
        self._path = paths.leases / f"{number}.json"
        self.holder = holder
        self._beaten = time.monotonic()

    def beat(self) -> None:
        """Renews the lease, at most once in ``BEAT_S`` seconds; if the disk is full, the next beat tries again."""
        if time.monotonic() - self._beaten >= BEAT_S:
            with contextlib.suppress(OSError):
                self._write(released=False)

    def release(self) -> None:
        """Releases the sweep for another conductor; a directory that was removed counts as released."""
        with contextlib.suppress(FileNotFoundError):
            self._write(released=True)

    def withdraw(self) -> None:
        """Removes the lease as if it had never been taken."""
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _write(self, released: bool) -> None:
        write_atomically(self._path, _content(self.holder, released))
        self._beaten = time.monotonic()


def take_lease(
    paths: SweepPaths, sweep: str, holder: ProcessIdentity | None = None, *, force: bool = False
) -> Lease:
    """Takes the sweep's lease, which makes its holder the sweep's conductor.

    Args:
        holder: None: this process.
        force: take it from a holder that may live.

    Raises:
        LeaseHeld: another conductor has it; the message names it.
        StoreError: nobody can tell, as the last lease is damaged.
        OSError: the disk refuses.
    """
    holder = holder or this_process()
    while True:
        number = last_lease(paths)
        if number and not force:
            _require_free(paths, sweep, number)
        if create_exclusively(paths.leases / f"{number + 1}.json", _content(holder, released=False)):
            return Lease(paths, number + 1, holder)


def last_lease(paths: SweepPaths) -> int:
    """Returns the number of the newest lease; 0 if there never was one."""
    numbers = (path.stem for path in paths.leases.glob("*.json"))
    return max((int(number) for number in numbers if _NUMBER.fullmatch(number)), default=0)


def living_conductor(paths: SweepPaths) -> ProcessIdentity | None:
    """Returns the conductor that holds the sweep; None if it released the sweep or is dead, or nobody can tell."""
    number = last_lease(paths)
    try:
        return _living_holder(paths.leases / f"{number}.json") if number else None
    except StoreError:
        return None


def is_held_here(paths: SweepPaths) -> bool:
    """Tells whether this process conducts the sweep."""
    return living_conductor(paths) == this_process()


def _living_holder(lease: Path) -> ProcessIdentity | None:
    """Returns who holds a lease; None if they released it or are dead.

    Raises:
        StoreError: it is damaged.
    """
    try:
        found = read_json(lease)
        holder, is_released = process(found), flag(found["released"])
    except (OSError, KeyError, ValueError) as error:
        raise StoreError(
            f"hsm can't tell whether another process runs the sweep: {lease.name} is damaged",
            evidence=f"{lease}: {error}",
            fix=f"rm {quoted(str(lease))}    # if no process runs the sweep",
        ) from error  # fmt: skip
    if is_released or evidence_of_death(holder):
        return None
    return None if holder.host != this_host() and _age(lease) > STALE_S else holder


def _age(lease: Path) -> float:
    """Returns seconds since a lease's last beat, by the disk's own clock where we may write: hosts' clocks differ."""
    written = lease.stat().st_mtime
    probe = lease.with_name(f".{nonce()}.tmp")
    try:
        write_atomically(probe, b"")
        return probe.stat().st_mtime - written
    except OSError:
        return time.time() - written
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def _require_free(paths: SweepPaths, sweep: str, number: int) -> None:
    holder = _living_holder(paths.leases / f"{number}.json")
    if holder is not None:
        raise LeaseHeld(
            f"the sweep {sweep} is already run by process {holder.pid} on {holder.host}",
            evidence=str(paths.leases / f"{number}.json"),
            fix=f"hsm-status -w {quoted(sweep)}    # to watch it",
        )


def _content(holder: ProcessIdentity, released: bool) -> bytes:
    return to_json({**asdict(holder), "beat": time.time(), "released": released})

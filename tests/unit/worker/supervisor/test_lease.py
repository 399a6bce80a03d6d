"""A worker's lease: what its conductor wrote, and when the worker's tasks are no longer its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hsm_core.processes.identity import boot_clock
from hsm_core.store.away.worker_lease import HELD, RELEASED, REVOKED, WorkerLease, read_worker_lease
from hsm_core.worker.supervisor.lease import OwnLease

LEASE = WorkerLease(3, HELD, 100.0, 5.0)


def heard(seconds_ago: float, word: str = HELD, epoch: int = 3) -> bytes:
    return replace(LEASE, epoch=epoch, word=word, heard=boot_clock() - seconds_ago).to_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "h1-abc.lease"


def test_what_is_written_is_read_and_always_as_long(path: Path) -> None:
    sizes = set()
    for lease in (LEASE, replace(LEASE, word=RELEASED, heard=12345678.5), replace(LEASE, epoch=12, word=REVOKED)):
        path.write_bytes(lease.to_bytes())
        assert read_worker_lease(path) == lease
        sizes.add(path.stat().st_size)
    assert len(sizes) == 1


@pytest.mark.parametrize("at", [30, 62, 80, 120])
def test_a_torn_one_says_nothing(path: Path, at: int) -> None:
    path.write_bytes(heard(0)[:at] + heard(1000, RELEASED, 8)[at:])
    assert read_worker_lease(path) is None


def test_it_runs_out_by_this_machines_own_clock(path: Path) -> None:
    path.write_bytes(heard(99))
    lease = OwnLease(path)
    assert not lease.is_over
    path.write_bytes(heard(101))
    assert lease.is_over
    assert not lease.is_long_over()
    path.write_bytes(heard(106))
    assert lease.is_over
    assert lease.is_long_over()
    path.write_bytes(heard(10_000, RELEASED))
    assert not lease.is_over
    path.write_bytes(heard(0, REVOKED))
    assert lease.is_over
    assert lease.is_long_over()


def test_the_words_of_an_earlier_conductor_and_torn_ones_change_nothing(path: Path) -> None:
    path.write_bytes(heard(50))
    lease = OwnLease(path)
    for other in (heard(1000, epoch=2), heard(0, REVOKED, epoch=2), b"", b"garbage\ngarbage\n"):
        path.write_bytes(other)
        assert not lease.is_over
    path.write_bytes(heard(1000, epoch=4))
    assert lease.is_over


def test_without_one_tasks_may_run_for_ever(path: Path) -> None:
    lease = OwnLease(path)
    path.write_bytes(heard(1000))
    assert not lease.is_over
    assert not lease.is_long_over()

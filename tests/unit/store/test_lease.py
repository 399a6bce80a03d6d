"""One conductor a sweep."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from hsm_core.errors import LeaseHeld
from hsm_core.processes.identity import this_process
from hsm_core.store import lease as module
from hsm_core.store.files import read_json, to_json, write_atomically
from hsm_core.store.lease import living_conductor, take_lease
from tests.unit.store.making import ELSEWHERE, MadeSweep, killed_process, real_process


@pytest.fixture
def sweep(tmp_path: Path) -> MadeSweep:
    return MadeSweep(tmp_path / "s")


def test_the_second_taker_is_told_who_has_it(sweep: MadeSweep) -> None:
    with real_process() as (process, identity):
        take_lease(sweep.paths, sweep.id, identity)
        with pytest.raises(LeaseHeld, match=str(process.pid)) as caught:
            take_lease(sweep.paths, sweep.id, this_process())
        assert sweep.id in caught.value.fix
        assert living_conductor(sweep.paths) == identity


def test_a_dead_holder_is_succeeded(sweep: MadeSweep) -> None:
    take_lease(sweep.paths, sweep.id, killed_process())
    assert living_conductor(sweep.paths) is None
    take_lease(sweep.paths, sweep.id, this_process())
    assert living_conductor(sweep.paths) == this_process()


def test_a_released_lease_is_free(sweep: MadeSweep) -> None:
    take_lease(sweep.paths, sweep.id, this_process()).release()
    assert living_conductor(sweep.paths) is None
    take_lease(sweep.paths, sweep.id, this_process())


def test_force_takes_it_from_a_living_holder(sweep: MadeSweep) -> None:
    with real_process() as (_, identity):
        take_lease(sweep.paths, sweep.id, identity)
        take_lease(sweep.paths, sweep.id, this_process(), force=True)
        assert living_conductor(sweep.paths) == this_process()


def test_a_holder_elsewhere_lives_as_long_as_it_beats(sweep: MadeSweep) -> None:
    take_lease(sweep.paths, sweep.id, ELSEWHERE)
    with pytest.raises(LeaseHeld, match="another-node"):
        take_lease(sweep.paths, sweep.id, this_process())
    path = sweep.paths.leases / "1.json"
    found = read_json(path)
    write_atomically(path, to_json({**found, "beat": 0.0}))  # hosts' clocks differ; the disk's has one
    assert living_conductor(sweep.paths) == ELSEWHERE
    long_ago = path.stat().st_mtime - module.STALE_S - 1
    os.utime(path, (long_ago, long_ago))
    take_lease(sweep.paths, sweep.id, this_process())
    assert living_conductor(sweep.paths) == this_process()


def test_a_restart_of_this_host_frees_it(sweep: MadeSweep) -> None:
    take_lease(sweep.paths, sweep.id, dataclasses.replace(this_process(), boot="an earlier one"))
    take_lease(sweep.paths, sweep.id, this_process())


def test_of_two_takers_of_a_dead_lease_one_gets_it(sweep: MadeSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other takes it between our look and our creation of the next one."""
    take_lease(sweep.paths, sweep.id, killed_process())
    create = module.create_exclusively
    with real_process() as (_, other):

        def lose(path: Path, data: bytes) -> bool:
            monkeypatch.setattr(module, "create_exclusively", create)
            take_lease(sweep.paths, sweep.id, other)
            return create(path, data)

        monkeypatch.setattr(module, "create_exclusively", lose)
        with pytest.raises(LeaseHeld):
            take_lease(sweep.paths, sweep.id, this_process())
        assert living_conductor(sweep.paths) == other


def test_a_beat_renews(sweep: MadeSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = take_lease(sweep.paths, sweep.id, this_process())
    path = sweep.paths.leases / "1.json"
    before = read_json(path)["beat"]
    lease.beat()
    assert read_json(path)["beat"] == before, "not more often than needed"
    monkeypatch.setattr(module, "BEAT_S", 0.0)
    lease.beat()
    assert read_json(path)["beat"] > before

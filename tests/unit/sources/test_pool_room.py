"""What a machine is given while workers of an earlier launch still run tasks on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hsm_core.errors import NotNow
from hsm_core.hosts.local import LocalHost
from hsm_core.model import SourceKind, Span
from hsm_core.processes.identity import this_process
from hsm_core.sources.pool import WorkerPool
from hsm_core.sources.remote.pool import Equipment, HostPool
from hsm_core.sources.snapshot import Snapshot, snapshot_of
from hsm_core.store import events
from hsm_core.store.record import SourceRecord
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import WorkerSpec
from tests.unit.store.making import MadeSweep, complete, killed_process, start

WAITING = [(number, 1) for number in range(6, 10)]
LOCAL = SourceRecord("local", "pool")


@pytest.fixture(params=["here", "there"])
def pool(request: pytest.FixtureRequest, tmp_path: Path) -> WorkerPool | HostPool:
    paths, spec = MadeSweep(tmp_path / "p", total=10).paths, WorkerSpec(slots=2)
    if request.param == "here":
        return WorkerPool(paths, LOCAL, spec, LocalHost())
    equipment = Equipment("python3", Path("program"), spec)
    record = SourceRecord("h1", "host", "ssh:h1")
    return HostPool(record, paths, LocalHost(), WorkerSpec(slots=0), lambda _: equipment)


def test_what_others_run_takes_slots(pool: WorkerPool | HostPool) -> None:
    assert pool.next_portion(WAITING, Snapshot(), detached=False).pairs == WAITING
    assert pool.next_portion(WAITING, Snapshot(busy={"w1": 1}), detached=False).pairs == WAITING[:1]
    with pytest.raises(NotNow):
        pool.next_portion(WAITING, Snapshot(busy={"w1": 2}), detached=False)


def test_nobody_stays_to_hand_over_the_rest(pool: WorkerPool | HostPool) -> None:
    portion = pool.next_portion(WAITING, Snapshot(busy={"w1": 1}), detached=True)
    assert (portion.pairs, portion.spec) == (WAITING, WorkerSpec(slots=1))
    with pytest.raises(NotNow, match="earlier launch"):
        pool.next_portion(WAITING, Snapshot(busy={"w1": 2}), detached=True)


def busy(sweep: MadeSweep) -> dict[str, int]:
    state = SweepState(sweep.root)
    state.refresh()
    return dict(snapshot_of(state, "local").busy)


@pytest.mark.parametrize("kind", ["pool", "host"])
def test_living_workers_are_busy_with_what_has_not_ended(tmp_path: Path, kind: SourceKind) -> None:
    sweep = MadeSweep(tmp_path / "s", total=10, sources=(replace(LOCAL, kind=kind),))
    conductor = sweep.conductor([])
    conductor.append(events.SourceAdded(**vars(replace(LOCAL, kind=kind))))
    for worker, first in (("w1", 0), ("w2", 4), ("w3", 7)):
        name = f"launch-0/submit-{first}"
        conductor.append(events.Submit(name, token="t", tasks=[Span(first, 3)], source="local"))
        conductor.append(events.HandedOver(name, native_id=worker, job=this_process()))
    living = sweep.worker("w1")
    start(living, 0)
    start(sweep.worker("w2", killed_process()), 4)
    complete(sweep.worker("w3"), 7, 8, 9)
    assert busy(sweep) == {"w1": 2}  # it has two slots, and holds three tasks
    complete(living, 0, 1)
    assert busy(sweep) == {"w1": 1}

"""When the tasks of a machine that does not answer may surely go elsewhere, and what it was told before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hsm_core.errors import HostDown, LinkLost
from hsm_core.sources.remote.leases import Leases
from hsm_core.store.away.worker_lease import HELD, RELEASED, REVOKED, WorkerLease, read_worker_lease
from hsm_core.store.layout import SweepPaths
from hsm_core.testing.recording import RecordingHost

SURE_S = WorkerLease(1, HELD, 10.0, 1.0).surely_s


class Clock:
    """Our own monotonic clock."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Machine(RecordingHost):
    """One that can be away, and may lose what it answers."""

    is_away = loses_answers = False

    def clock(self) -> float:
        if self.is_away:
            raise HostDown("it is away")
        return 5000.0

    def overwrite(self, path: Path, data: bytes) -> None:
        if self.is_away:
            raise HostDown("it is away")
        super().overwrite(path, data)
        if self.loses_answers:
            raise LinkLost("nobody knows")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", made)
    return made


@pytest.fixture
def paths(tmp_path: Path) -> SweepPaths:
    found = SweepPaths(tmp_path / "here")
    found.hsm.parent.mkdir()
    found.make_directories()
    return found


def there(machine: Machine, tmp_path: Path) -> WorkerLease | None:
    (data,) = machine.files_there.values()
    (tmp_path / "copy").write_bytes(data)
    return read_worker_lease(tmp_path / "copy")


@pytest.fixture
def new(paths: SweepPaths, machine: Machine, clock: Clock) -> Iterator[Callable[..., Leases]]:
    made = []

    def make(*, may_give_up: bool = True) -> Leases:
        leases = Leases(paths, machine, lambda: Path("/there"))
        leases.keep(may_give_up=may_give_up)  # its thread would begin with what is known by then
        leases.learn("w")
        made.append(leases)
        return leases

    yield make
    for leases in made:
        leases.close()


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_a_worker_is_given_up_only_after_its_last_possible_renewal(
    new: Callable[..., Leases], machine: Machine, clock: Clock, paths: SweepPaths, tmp_path: Path
) -> None:
    leases = new()
    leases.give("w", 10.0, 1.0)
    assert leases.outlook() == "; its tasks go to others if it stays away for 10 s"
    clock.now += SURE_S - 1
    machine.loses_answers = True
    with pytest.raises(LinkLost):
        leases.renew()  # it may have come
    machine.is_away = True
    clock.now += SURE_S - 1
    with pytest.raises(HostDown):
        leases.renew()  # it surely has not
    assert not leases.revoke("w")
    clock.now += 2
    assert leases.revoke("w")
    assert leases.is_revoked("w")
    assert leases.outlook() == "; its tasks go to others if it stays away for 10 s", "not another warning"
    assert not leases.revoke("w"), "once"
    assert new().is_revoked("w"), "a later process knows it"
    machine.is_away = machine.loses_answers = False
    leases.renew()
    found = there(machine, tmp_path)
    assert found is not None
    assert found.word == HELD, "nobody renews it"
    leases.tell("w")
    found = there(machine, tmp_path)
    assert found is not None
    assert found.word == REVOKED


def test_who_goes_on_with_a_sweep_waits_anew(new: Callable[..., Leases], machine: Machine, clock: Clock) -> None:
    new().give("w", 10.0, 1.0)
    clock.now += 10 * SURE_S
    later = new()
    clock.now += SURE_S - 1
    assert not later.revoke("w")
    clock.now += 2
    assert later.revoke("w")


def test_one_that_was_let_go_is_never_given_up_before_it_is_surely_held_again(
    new: Callable[..., Leases], machine: Machine, clock: Clock
) -> None:
    leases = new()
    leases.give("w", 10.0, 1.0)
    leases.release("w")
    later = new()
    machine.is_away = True
    clock.now += 10 * SURE_S
    assert not later.revoke("w")
    machine.is_away, machine.loses_answers = False, True
    with pytest.raises(LinkLost):
        later.renew()
    clock.now += 10 * SURE_S
    assert not later.revoke("w"), "perhaps it never heard of that"
    machine.loses_answers = False
    later.renew()
    clock.now += SURE_S + 1
    assert later.revoke("w")


def test_one_that_could_not_be_let_go_is_still_held(
    new: Callable[..., Leases], machine: Machine, clock: Clock, paths: SweepPaths
) -> None:
    leases = new()
    leases.give("w", 10.0, 1.0)
    machine.is_away = True
    with pytest.raises(HostDown):
        leases.release("w")
    lease = read_worker_lease(paths.inbox("w", "lease"))
    assert lease is not None
    assert lease.word == HELD
    clock.now += SURE_S + 1
    assert leases.revoke("w")


def test_where_tasks_must_stay_workers_go_on_without_anybody(
    new: Callable[..., Leases], machine: Machine, clock: Clock, tmp_path: Path
) -> None:
    new().give("w", 10.0, 1.0)
    later = new(may_give_up=False)
    clock.now += SURE_S + 1
    assert not later.revoke("w")
    later.renew()
    found = there(machine, tmp_path)
    assert found is not None
    assert found.word == RELEASED

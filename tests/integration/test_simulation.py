"""A thousand tasks over twenty sources that break down, in virtual time: the real conductor, strategy and store."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from hsm_core.conductor.conductor import Conductor
from hsm_core.conductor.handing_out.strategy import Rules
from hsm_core.conductor.policies import Policy
from hsm_core.conductor.tasks_to_run import resumable
from hsm_core.errors import NoAnswer
from hsm_core.hydra_bridge.launcher.begin import new_launch
from hsm_core.model import STRATEGIES, ProcessIdentity
from hsm_core.store.lease import take_lease
from hsm_core.store.state.sweep_state import SweepState
from tests.integration.simulated import SimulatedSource, World, all_ends
from tests.unit.sources.stand_in import AtOnce
from tests.unit.store.making import MadeSweep

TASKS, SOURCES = 1000, 20
#: Seconds of a step; steps after which the faults cease; and after which it has hung.
STEP_S, CALM_AFTER, MOST = 4.0, 600, 10_000


class Simulation:
    """A sweep, its sources, and one conductor after another."""

    def __init__(self, seed: int, root: Path) -> None:
        self.random = Random(seed)
        self.sweep = MadeSweep(root, TASKS)
        self.sweep.paths.make_directories()
        takes_s = [self.random.uniform(1.0, 40.0) for _ in range(TASKS)]
        bad = set(self.random.sample(range(TASKS), 20))
        self.world = World(self.random, self.sweep.paths, takes_s, bad)
        self.sources = [self._source(number) for number in range(SOURCES)]
        limit = self.random.choice([None, None, 60])
        self.policy = Policy(rules=Rules(self.random.choice(STRATEGIES), limit))
        self.conductors = 0
        self.most_at_once = 0

    def _source(self, number: int) -> SimulatedSource:
        random = self.random
        slots, speed = random.randint(1, 12), random.choice([0.5, 1.0, 1.0, 2.0, 10.0])
        if number % 3:
            return SimulatedSource(self.world, f"box{number}", "host", slots, speed, is_refusing=number == 1)
        wait_s = random.choice([0.0, 10.0, 120.0])
        return SimulatedSource(self.world, f"queue{number}", "queue", slots, speed, wait_s, is_refusing=number == 3)

    def run(self) -> SweepState:
        """Conducts, is killed, and is resumed until nothing is left."""
        steps = 0
        while True:
            conductor = self._conductor()
            while conductor.open_tasks:
                steps += 1
                assert steps < MOST, f"it hangs: {Counter(map(conductor.state.state_of, range(TASKS)))}"
                self.world.is_calm = steps > CALM_AFTER
                conductor.step()
                conductor.heed()
                conductor.new_messages()
                self._advance()
                if self.world.chance(0.004):
                    break  # kill -9
            else:
                if not resumable(conductor.state, range(TASKS), failed_too=False):
                    return conductor.state

    def _conductor(self) -> Conductor:
        self.conductors += 1
        holder = ProcessIdentity(f"laptop-{self.conductors}", "boot", 1, "1")  # nobody can tell whether it lives
        paths, state = self.sweep.paths, SweepState(self.sweep.root)
        state.refresh()
        lease = take_lease(paths, self.sweep.id, holder, force=True)
        conductor = Conductor(
            self.sources, state, policy=self.policy, lease=lease, calls_of=lambda _name, _news: AtOnce()
        )
        while True:
            try:
                conductor.attach()
                break
            except NoAnswer:
                self._advance()
        launch = new_launch(paths, 0)
        conductor.add(resumable(state, range(TASKS), failed_too=False), launch, paths.launch(0))
        return conductor

    def _advance(self) -> None:
        self.world.now += STEP_S
        for source in self.sources:
            source.advance()
        self.most_at_once = max(self.most_at_once, sum(source.busy for source in self.sources))


@pytest.fixture
def simulate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def run(seed: int) -> tuple[Simulation, SweepState]:
        simulation = Simulation(seed, tmp_path / f"sweep-{seed}")
        with monkeypatch.context() as patch:
            patch.setattr(time, "monotonic", lambda: simulation.world.now)
            patch.setattr(time, "sleep", lambda seconds: None)
            patch.setattr(os, "fsync", lambda fd: None)
            return simulation, simulation.run()

    return run


def check(simulation: Simulation, state: SweepState) -> None:
    world = simulation.world
    runs = world.runs
    lost = [number for number in range(TASKS) if state.state_of(number) not in ("completed", "failed")]
    completed = Counter(run.task for run in runs if run.is_completed)
    said = Counter(end.task for end in all_ends(simulation.sweep.paths) if end.state == "completed")
    assert lost == []
    assert world.overlapping() == []
    assert [task for task, times in said.items() if times > 1] == [], "two accepted outcomes"
    assert set(state.numbers_in("completed")) == set(completed), "falsely completed"
    assert set(state.numbers_in("failed")) == world.bad
    limit = simulation.policy.rules.parallel_limit
    assert limit is None or simulation.most_at_once <= limit
    assert len({run.source for run in runs}) > SOURCES / 2


@pytest.mark.parametrize("seed", [8, 9])
def test_a_thousand_tasks_over_twenty_sources(seed: int, simulate) -> None:  # type: ignore[no-untyped-def]
    check(*simulate(seed))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20, 20 + int(os.environ.get("HSM_SEEDS", "60"))))
def test_many_seeds(seed: int, simulate) -> None:  # type: ignore[no-untyped-def]
    """Each takes some four seconds; ``HSM_SEEDS=500`` tries more."""
    check(*simulate(seed))

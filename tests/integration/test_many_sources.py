"""One sweep over several sources: local pools, and a stand-in for Slurm whose commands lie on PATH."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hsm_core.conductor.conductor import Conductor
from hsm_core.conductor.drivers import watch
from hsm_core.conductor.handing_out import distribution
from hsm_core.conductor.policies import Policy
from hsm_core.errors import LeaseHeld
from hsm_core.hosts.interface import Patience
from hsm_core.hosts.local import LocalHost
from hsm_core.model import Span
from hsm_core.schedulers.slurm.dialect import Slurm
from hsm_core.schedulers.slurm.jobs import SlurmJobs
from hsm_core.schedulers.slurm.registration import SYSTEM
from hsm_core.schedulers.slurm.settings import SlurmResources
from hsm_core.settings import QueueSettings
from hsm_core.sources.interface import Source
from hsm_core.sources.pool import WorkerPool
from hsm_core.sources.queue.batch_queue import BatchQueue, Needs
from hsm_core.sources.registry import rebuild
from hsm_core.sources.worker_command import WorkerStarts
from hsm_core.store import lease
from hsm_core.store.layout import LaunchPaths
from hsm_core.store.record import SourceRecord
from hsm_core.store.requests import request_cancel
from hsm_core.store.submission import WorkerSpec
from tests.integration.apps.worker_plain.harness import PlainSweep
from tests.waiting import wait_until

TASK = "import time\ntime.sleep(0.2)\nresult = order['task']"
WAITS = "import time\nwhile not (here.parent / 'go').exists(): time.sleep(0.02)\nresult = order['task']"
#: It starts each element in the background; what it started, and what it is told to cancel, it writes down.
SBATCH = r"""
for word; do case "$word" in --array=*) array=${word#--array=};; esac; script=$word; done
ls "$HSM_JOBS" | grep -q . && id=$((100 + $(ls "$HSM_JOBS" | wc -l))) || id=100
last=${array%%%*}; last=${last#0-}
for index in $(seq 0 ${last:-0}); do
  SLURM_JOB_ID=$id SLURM_ARRAY_JOB_ID=$id SLURM_ARRAY_TASK_ID=$index setsid "$script" > /dev/null 2>&1 < /dev/null &
  echo $! >> "$HSM_JOBS/$id"
done
echo $id
"""


class Silent:
    """Progress that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def show(self, state: object) -> None:
        pass

    def say(self, text: str) -> None:
        self.said.append(text)

    def ask_how_to_end(self) -> None:
        pass

    def answer(self) -> str | None:
        return None

    def drop_question(self) -> None:
        pass


class Many:
    """A sweep, its sources, and whoever conducts it."""

    def __init__(self, folder: Path, codes: list[str]) -> None:
        self.sweep = PlainSweep(folder / "sweep", codes)
        self.pairs = [(number, 1) for number in range(len(codes))]
        self.patience = Patience()
        self.host = LocalHost(self.patience)
        self.conductors: list[Conductor] = []

    def pool(self, name: str, slots: int) -> WorkerPool:
        spec = WorkerSpec(source=name, slots=slots, beat_s=0.3, grace_s=1.0, idle_s=20.0)
        record = SourceRecord(name, "pool")
        return WorkerPool(self.sweep.paths, record, spec, self.host, python=sys.executable)

    def queue(self, **settings: int) -> BatchQueue:
        paths, spec = self.sweep.paths, WorkerSpec(source="slurm", beat_s=0.3, grace_s=1.0)
        starts = WorkerStarts(paths, sys.executable, (), paths.root)
        needs = Needs(SlurmResources(cpus_per_task=1), spec)
        record = SourceRecord("slurm", "queue", settings={"scheduler": "slurm"})
        return BatchQueue(
            paths, record, Slurm(self.host), spec, QueueSettings(**settings), SlurmJobs(), lambda task: needs, starts,
            SYSTEM.logs,
        )  # fmt: skip

    def conductor(self, *sources: Source, **more: object) -> Conductor:
        found = Conductor(list(sources), self.sweep.state(), **more)  # type: ignore[arg-type]
        self.conductors.append(found)
        return found

    def add(self, conductor: Conductor, launch: LaunchPaths | None = None) -> None:
        conductor.add(self.pairs, launch or self.sweep.launch, self.sweep.launch)

    def step_until(self, conductor: Conductor, is_over: Callable[[], object], what: str) -> None:
        def step() -> object:
            conductor.step()
            conductor.heed()
            return is_over()

        wait_until(step, 60, what, every=0.02)

    def states(self) -> Counter[str]:
        state = self.sweep.state()
        return Counter(state.state_of(number) for number in range(state.total))

    def ran_at(self) -> Counter[str]:
        """How many tasks ran at which source."""
        state = self.sweep.state()
        sources = {worker.name: getattr(worker.head, "source", "") for worker in state.workers()}
        return Counter(sources[task.worker] for task in state.tasks.values() if task.worker)

    def attempts(self) -> set[int]:
        return {task.attempt for task in self.sweep.state().tasks.values()}

    def close(self) -> None:
        for conductor in self.conductors:
            conductor.close()
        for worker in self.sweep.state().workers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.head.process.pid, signal.SIGKILL)  # type: ignore[union-attr]
            wait_until(lambda one=worker.identity: self.host.evidence_of_death(one) is not None)
        self.sweep.close()


@pytest.fixture
def many(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Many]:
    made = Many(tmp_path, getattr(request, "param", [TASK] * 18))
    yield made
    made.close()


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH with the commands of a Slurm that answers nothing but sbatch."""
    folder, jobs = tmp_path / "bin", tmp_path / "jobs"
    folder.mkdir()
    jobs.mkdir()
    for name in ("squeue", "scancel", "scontrol", "sacct", "sacctmgr"):
        put(folder / name, "exit 1")
    put(folder / "sbatch", SBATCH)
    monkeypatch.setenv("HSM_JOBS", str(jobs))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def put(script: Path, body: str) -> None:
    script.write_text(f"#!/bin/bash\n{body}\n")
    script.chmod(0o755)


def test_two_pools_share_the_tasks_by_their_slots_and_may_have_a_slash_in_their_names(many: Many) -> None:
    conductor = many.conductor(many.pool("box1/big", 3), many.pool("box1/small", 1))
    many.add(conductor)
    many.step_until(conductor, lambda: not conductor.open_tasks, "the end of all")
    assert (many.states(), many.attempts()) == ({"completed": 18}, {1})
    ran = many.ran_at()
    assert sum(ran.values()) == 18
    assert ran["box1/big"] > ran["box1/small"] > 0


def test_a_pool_and_a_queue_share_the_tasks(many: Many, stand_in: Path) -> None:
    conductor = many.conductor(many.pool("here", 2), many.queue(parallelism=3))
    many.add(conductor)
    many.step_until(conductor, lambda: not conductor.open_tasks, "the end of all")
    assert (many.states(), many.attempts()) == ({"completed": 18}, {1})
    ran = many.ran_at()
    assert ran["here"] + ran["slurm"] == 18
    assert min(ran.values()) > 0


def test_a_source_that_is_closed_hands_its_rest_back(many: Many) -> None:
    conductor = many.conductor(many.pool("a", 1), many.pool("b", 1))
    many.add(conductor)
    many.step_until(conductor, lambda: set(many.ran_at()) == {"a", "b"}, "both at work")
    conductor.close_source("a")
    at_a = many.ran_at()["a"]
    many.step_until(conductor, lambda: not conductor.open_tasks, "the end of all")
    assert (many.states(), many.attempts()) == ({"completed": 18}, {1})
    assert many.ran_at()["a"] <= at_a + 2, "what it holds, it ends"


@pytest.mark.parametrize("many", [[WAITS] * 3], indirect=True, ids=["_"])
def test_a_queue_that_is_closed_is_still_asked_about_its_jobs(many: Many, stand_in: Path) -> None:
    put(stand_in / "squeue", f"echo >>'{stand_in}/asked'; exit 1")
    conductor = many.conductor(many.pool("here", 1), many.queue(parallelism=1))
    many.add(conductor)
    many.step_until(conductor, lambda: set(many.ran_at()) == {"here", "slurm"}, "both at work")
    conductor.close_source("slurm")
    many.step_until(conductor, lambda: not conductor.is_waited_for, "the answers to what it was asked")
    asked = (stand_in / "asked").stat().st_size
    many.step_until(conductor, lambda: (stand_in / "asked").stat().st_size > asked + 1, "further polls")
    (many.sweep.paths.root / "go").touch()
    many.step_until(conductor, lambda: not conductor.open_tasks, "the end of all")


def test_a_source_that_refuses_leaves_its_tasks_to_the_other(many: Many, stand_in: Path) -> None:
    put(stand_in / "sbatch", "echo 'sbatch: error: Batch job submission failed: Invalid account' >&2; exit 1")
    conductor = many.conductor(many.pool("here", 2), many.queue())
    many.add(conductor)
    many.step_until(conductor, lambda: not conductor.open_tasks, "the end of all")
    assert (many.states(), many.ran_at()) == ({"completed": 18}, {"here": 18})
    assert any("slurm gets no tasks for now" in line for line in conductor.new_messages())


@pytest.mark.parametrize("many", [[TASK] * 8], indirect=True, ids=["_"])
def test_what_waits_in_a_queue_is_taken_back_once_a_pool_is_idle_and_never_runs_twice(
    many: Many, stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distribution, "TAKE_BACK_S", 0.5)
    waits = f"until [ -e {stand_in}/go ]; do sleep 0.05; done"
    late = SBATCH.replace('setsid "$script"', f"setsid bash -c '{waits}; $0' \"$script\"")
    put(stand_in / "sbatch", late)
    put(stand_in / "scancel", f'echo "$@" >>"{stand_in}/cancelled"')
    conductor = many.conductor(many.pool("here", 2), many.queue(parallelism=4))
    many.add(conductor)
    many.step_until(conductor, lambda: not conductor.open_tasks, "the end of all")
    assert (many.states(), many.ran_at()) == ({"completed": 8}, {"here": 8})
    assert many.attempts() == {1, 2}
    starts = [one.name for one in many.sweep.state().workers()]
    (stand_in / "go").touch()  # now the queue starts them after all
    claims = len(list(many.sweep.paths.claims.glob("*.json")))
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in jobs_of(stand_in)), 30, "the end of the jobs")
    assert many.states() == {"completed": 8}
    assert (many.ran_at(), len(list(many.sweep.paths.claims.glob("*.json")))) == ({"here": 8}, claims)
    assert starts


def jobs_of(stand_in: Path) -> list[str]:
    """The processes of the stand-in's jobs."""
    return [pid for job in (stand_in.parent / "jobs").iterdir() for pid in job.read_text().split()]


@pytest.mark.parametrize("many", [[WAITS] * 6], indirect=True, ids=["_"])
def test_whoever_goes_on_attaches_to_both(many: Many, stand_in: Path) -> None:
    first = many.conductor(many.pool("here", 1), many.queue(parallelism=1))
    many.add(first)
    many.step_until(first, lambda: set(many.ran_at()) == {"here", "slurm"}, "tasks at both")
    with pytest.raises(LeaseHeld):
        many.conductor()
    first.give_up()
    first.close()
    state = many.sweep.state()
    kinds = {name: one.kind for name, one in state.sources.items()}
    assert (kinds["here"], kinds["slurm"]) == ("pool", "queue")
    others = rebuild(state.sources.values(), state.paths, many.patience)
    assert [one.name for one in others] == ["slurm"]
    second = many.conductor(many.pool("here", 2), attached=others)
    second.attach(force=True)  # though nothing of Slurm answers
    left = [(number, 1) for number in range(6) if second.state.state_of(number) == "pending"]
    assert 0 < len(left) < 5
    many.pairs = left
    launch = LaunchPaths(many.sweep.paths.hsm / "launch-0-1")
    launch.root.mkdir()
    many.add(second, launch)
    assert len(second.open_tasks) == 6
    (many.sweep.paths.root / "go").touch()
    many.step_until(second, lambda: not second.open_tasks, "the end of all")
    assert (many.states(), many.attempts()) == ({"completed": 6}, {1})


def test_a_hanging_squeue_holds_up_nobody_else(many: Many, stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither another source, nor the beat of the lease, nor Ctrl-C."""
    monkeypatch.setattr(lease, "BEAT_S", 0.2)
    put(stand_in / "squeue", f"touch {stand_in}/asked; exec sleep 600")
    put(stand_in / "sbatch", "echo 100")  # and its jobs never start
    conductor = many.conductor(many.pool("here", 2), many.queue(parallelism=2), policy=Policy(on_interrupt="detach"))
    many.add(conductor)
    many.step_until(conductor, (stand_in / "asked").exists, "a hanging squeue")
    began, longest, beats = time.monotonic(), 0.0, set[int]()
    done = many.states()["completed"]
    while time.monotonic() - began < 3.0:
        before = time.monotonic()
        conductor.step()
        conductor.heed()
        longest = max(longest, time.monotonic() - before)
        beats.add(next(conductor.state.paths.leases.glob("*.json")).stat().st_mtime_ns)
        time.sleep(0.02)
    assert many.states()["completed"] > done, "the pool goes on"
    assert longest < 1.5
    assert len(beats) > 4
    progress = Silent()
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    code, _ = watch(conductor, progress, many.patience.of)
    assert code == 130
    assert time.monotonic() - began < 10
    assert any("run without this process" in line for line in progress.said)


@pytest.mark.parametrize("many", [[WAITS] * 4], indirect=True, ids=["_"])
def test_a_task_that_was_cancelled_is_not_started_again_where_its_worker_dies(many: Many) -> None:
    conductor = many.conductor(many.pool("here", 1))
    many.add(conductor)
    many.step_until(conductor, lambda: {"running", "queued"} <= set(many.states()), "one running, one held")
    (worker,) = many.sweep.state().workers()
    os.kill(worker.head.process.pid, signal.SIGSTOP)  # type: ignore[union-attr]
    running = next(iter(many.sweep.state().numbers_in("running")))
    others = set(range(4)) - {running}
    request_cancel(many.sweep.paths, [Span(number, 1, 1) for number in sorted(others)])
    conductor.heed()
    os.kill(worker.head.process.pid, signal.SIGKILL)  # type: ignore[union-attr]
    many.step_until(conductor, lambda: not conductor.open_tasks, "the end of all")
    assert many.states() == {"lost": 1, "cancelled": 3}
    assert (many.attempts(), len(list(many.sweep.state().workers()))) == ({1}, 1)


def test_what_ends_is_asked_for_once_however_often_and_at_however_many_queues(many: Many, stand_in: Path) -> None:
    conductor = many.conductor(many.pool("here", 1), many.queue())
    conductor.add([], many.sweep.launch, many.sweep.launch)
    conductor.cancel()
    conductor.cancel(at_once=True)
    conductor.heed()
    assert len(list(many.sweep.paths.requests.iterdir())) == 1


def test_who_obeys_a_request_writes_none(many: Many, stand_in: Path) -> None:
    conductor = many.conductor(many.queue())
    conductor.add([], many.sweep.launch, many.sweep.launch)
    request_cancel(many.sweep.paths, None)
    conductor.heed()
    assert conductor.is_stopping
    assert len(list(many.sweep.paths.requests.iterdir())) == 1

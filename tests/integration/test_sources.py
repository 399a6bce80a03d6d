"""The contract of sources, on this machine and on a real Slurm."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hsm_core.hosts.local import LocalHost
from hsm_core.schedulers.slurm.dialect import Slurm
from hsm_core.schedulers.slurm.jobs import SlurmJobs
from hsm_core.schedulers.slurm.registration import SYSTEM
from hsm_core.schedulers.slurm.settings import SlurmResources
from hsm_core.settings import QueueSettings
from hsm_core.sources.pool import WorkerPool
from hsm_core.sources.queue.batch_queue import BatchQueue, Needs
from hsm_core.sources.registry import rebuild
from hsm_core.sources.snapshot import snapshot_of
from hsm_core.sources.worker_command import WorkerStarts
from hsm_core.store.record import SourceRecord
from hsm_core.store.submission import WorkerSpec
from hsm_core.testing.source import ALL, Bound, SourceContract
from tests.integration.apps.worker_plain.harness import PlainSweep
from tests.integration.slurm_sweeping import ask
from tests.services.cluster import Cluster
from tests.waiting import wait_until

#: Tasks that wait until they are let go, and tasks that do not.
WAITS = "import time\nwhile not (here.parent / 'go').exists(): time.sleep(0.02)\nresult = order['task']"
CODES = [WAITS, WAITS, *["result = order['task']"] * 4]


def let_go(plain: PlainSweep) -> Callable[[], None]:
    return (plain.paths.root / "go").touch


@pytest.fixture
def plain(weird_tmp_path: Path) -> Iterator[PlainSweep]:
    sweep = PlainSweep(weird_tmp_path / "sweep", CODES)
    yield sweep
    sweep.close()


class TestWorkerPool(SourceContract):
    @pytest.fixture
    def bound(self, plain: PlainSweep) -> Iterator[Bound]:
        spec = WorkerSpec(slots=2, beat_s=0.3, grace_s=1.0, idle_s=5.0)
        host = LocalHost()
        pool = WorkerPool(plain.paths, SourceRecord("local", "pool"), spec, host, python=sys.executable)
        bound = Bound(pool, plain.state(), plain.launch, let_go(plain))
        yield bound
        for worker in bound.state.workers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.head.process.pid, signal.SIGKILL)
            wait_until(lambda identity=worker.identity: host.evidence_of_death(identity) is not None)
        pool.close()


@pytest.mark.slurm
class TestBatchQueue(SourceContract):
    @pytest.fixture
    def bound(
        self, plain: PlainSweep, slurm: Cluster, request: pytest.FixtureRequest
    ) -> Iterator[Bound]:
        settings = getattr(request, "param", QueueSettings())
        state, spec = plain.state(), WorkerSpec(source="slurm", slots=1, beat_s=0.3, grace_s=1.0)
        starts = WorkerStarts(plain.paths, sys.executable, (), plain.paths.root)
        needs = Needs(SlurmResources(cpus_per_task=1), spec)
        record, scheduler = SourceRecord("slurm", "queue"), Slurm(LocalHost())
        queue = BatchQueue(
            plain.paths, record, scheduler, spec, settings, SlurmJobs(), lambda task: needs, starts, SYSTEM.logs
        )
        yield Bound(queue, state, plain.launch, let_go(plain))
        queue.cancel(snapshot_of(state, queue.name), at_once=True)

    def test_what_was_submitted_is_found_by_its_token_also_by_who_reads_the_directory(self, bound: Bound) -> None:
        bound.hand_over(ALL[:2])
        (rebuilt,) = rebuild([bound.source.record], bound.state.paths)
        assert rebuilt.find(bound.submissions[0].token) == bound.source.find(bound.submissions[0].token)
        handed = bound.source.find(bound.submissions[0].token)
        assert handed is not None
        assert handed.native_id == bound.state.jobs.submissions()[0].native_id

    @pytest.mark.parametrize("bound", [QueueSettings(parallelism=1)], ids=["one-at-once"], indirect=True)
    def test_a_task_that_waits_is_taken_from_the_queue(self, bound: Bound) -> None:
        bound.hand_over(ALL[:2])
        whole = str(bound.state.jobs.submissions()[0].native_id)
        wait_until(lambda: bound.states()[0] == "running", 60, "the first task")
        jobs = bound.jobs()
        bound.call(lambda: bound.source.cancel_tasks(jobs, [1]))
        told = wait_until(lambda: ask("squeue", "-h", "-r", "-o", "%i").split(), what="the queue")
        assert f"{whole}_1" not in told
        assert f"{whole}_0" in told

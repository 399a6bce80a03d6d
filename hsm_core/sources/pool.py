"""A worker on a host that stays between submissions and runs what its inbox says."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hsm_core.errors import BackendError
from hsm_core.hosts.interface import Host
from hsm_core.model import ProcessIdentity, SourceKind, counted
from hsm_core.overrides import quoted
from hsm_core.processes.identity import this_process
from hsm_core.safe_open import last_lines
from hsm_core.store.events import Assigned, ConductorHead
from hsm_core.store.files import nonce
from hsm_core.store.journal import JournalReader, JournalWriter
from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import SourceRecord
from hsm_core.store.submission import Submission, WorkerSpec

from .earlier_workers import portion_beside
from .interface import Handed, Health, Pair, Polled, Portion
from .snapshot import Snapshot
from .worker_command import ENTRY

#: Characters of a source's name that are not taken into the names of its workers' files.
_NOT_IN_FILES = re.compile(r"[^\w.-]+")


@dataclass
class _Worker:
    name: str
    process: ProcessIdentity
    inbox: JournalWriter
    is_buried: bool = False


class WorkerPool:
    """The pool of a machine.

    Args:
        record: describes it; only a process that holds its workers can give them work.
        host: the machine.
        python: the interpreter of the app.
        env: variables for the worker beside our own.
    """

    kind: SourceKind = "pool"
    logs: tuple[str, ...] = ()

    def __init__(
        self,
        paths: SweepPaths,
        record: SourceRecord,
        spec: WorkerSpec,
        host: Host,
        *,
        python: str = sys.executable,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.record, self.spec = record.name, record, spec
        self._paths, self._python = paths, python
        self._host = host
        self._env = {**host.environment, **(env or {})}
        self._workers: list[_Worker] = []

    def preview(self, tasks: Sequence[int], *, detached: bool) -> list[str]:
        spec = self.spec
        each = f"{counted(spec.slots, 'slot')}, {counted(spec.threads, 'thread')} a task"
        lines = [f"1 worker on this machine with {each} ({self._python})"]
        if spec.gpus is not None:
            lines.append(f"GPUs {', '.join(spec.gpus) or 'hidden'}, {counted(spec.tasks_per_gpu, 'task')} on each")
        return lines

    def next_portion(self, waiting: Sequence[Pair], jobs: Snapshot, *, detached: bool) -> Portion:
        """While workers of an earlier launch run tasks here, no more than their slots leave free."""
        own = {worker.name for worker in self._workers}
        return portion_beside(waiting, jobs, self.spec, own, detached=detached, machine="this machine")

    def prepare(self, submission: Submission, portion: Portion) -> None:
        """A worker needs nothing but the record."""

    def find(self, token: str) -> Handed | None:
        return None  # there is no doubt about what a process of ours was given

    def submit(self, submission: Submission, portion: Portion) -> Handed:
        worker = self._living_worker() or self._start(submission)
        for number in range(len(submission.batches)):
            worker.inbox.append(Assigned(submission.batch_id(number)))
        worker.inbox.sync()
        if worker.inbox.trouble is not None:
            raise BackendError(
                "the worker's tasks can't be written to disk", evidence=str(worker.inbox.trouble)
            )
        self._host.signal(worker.process, signal.SIGCONT)  # look into your inbox; harmless to one that can't hear yet
        return Handed(worker.name, worker.process)

    def poll(self, jobs: Snapshot, not_before: float) -> Polled:
        return Polled()  # whether a worker lives is seen by its identity

    def health(self) -> Health:
        return Health(capacity=self.spec.slots)

    def tend(self, jobs: Snapshot) -> None:
        for worker in self._workers:
            if self._host.evidence_of_death(worker.process) is not None:
                self._clean_up_after(worker)

    def cancel(self, jobs: Snapshot, *, at_once: bool = False) -> None:
        for worker in self._workers:
            self._host.signal(worker.process, signal.SIGINT if at_once else signal.SIGTERM)

    def cancel_tasks(self, jobs: Snapshot, tasks: Sequence[int]) -> None:
        """The worker reads the request itself."""

    def remove_idle(self, jobs: Snapshot) -> int:
        return 0

    def close(self) -> None:
        for worker in self._workers:
            worker.inbox.seal()
            self._host.signal(worker.process, signal.SIGCONT)
        self._workers.clear()

    def log_tail(self) -> str:
        if not self._workers:
            return ""
        return last_lines(self._paths.worker_log(self._workers[-1].name), 15)

    def _living_worker(self) -> _Worker | None:
        """The newest worker, if it will still look into its inbox."""
        if not self._workers:
            return None
        worker = self._workers[-1]
        if self._host.evidence_of_death(worker.process) or self._has_sealed(worker):
            return None
        return worker

    def _clean_up_after(self, worker: _Worker) -> None:
        """Nothing of a task outlives its worker, not even what a killed worker can't end any more."""
        if not worker.is_buried:
            worker.is_buried = True
            self._host.end_leftovers(self._paths.journal(worker.name))

    def _has_sealed(self, worker: _Worker) -> bool:
        journal = self._paths.journal(worker.name)
        if not journal.exists():
            return False
        reader = JournalReader(journal)
        reader.read_new()
        return reader.sealed

    def _by_another_python(self) -> str:
        """Returns the line that resumes the sweep with the Python that started it."""
        resume = f"hsm resume {quoted(str(self._paths.root))}"
        return f"{resume} --set hydra.launcher.python=null    # the Python that starts the sweep"

    def _start(self, submission: Submission) -> _Worker:
        name = f"{_NOT_IN_FILES.sub('-', self.name)}-{nonce()}"
        inbox = JournalWriter(self._paths.inbox(name))
        inbox.append(ConductorHead("", this_process()))
        argv = [self._python, str(ENTRY), "supervise", str(self._paths.root), name, submission.name]
        try:
            process = self._host.start(argv, self._env, self._paths.worker_log(name))
        except ChildProcessError as error:
            printed = self._paths.worker_log(name).read_text(errors="replace").strip()
            raise BackendError(
                str(error).replace("it exited", "the worker exited"), evidence=printed[-500:] or "it printed nothing",
                fix=self._by_another_python(),
            ) from error  # fmt: skip
        except OSError as error:
            raise BackendError(
                "can't start a worker on this machine", evidence=str(error),
                fix=self._by_another_python(),
            ) from error  # fmt: skip
        worker = _Worker(name, process, inbox)
        self._workers.append(worker)
        return worker

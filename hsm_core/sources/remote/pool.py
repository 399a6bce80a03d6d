"""Workers on another machine, which take what their inboxes say; their files come home while they run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hsm_core.errors import BackendError, HostClosed, NoAnswer, NotNow
from hsm_core.hosts.interface import Host
from hsm_core.model import counted
from hsm_core.processes.identity import this_process
from hsm_core.safe_open import last_lines
from hsm_core.store.events import Assigned, ConductorHead
from hsm_core.store.files import nonce
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import SourceRecord
from hsm_core.store.submission import Submission, WorkerSpec

from ..earlier_workers import portion_beside
from ..interface import Handed, Health, Pair, Portion
from ..snapshot import Snapshot
from .clean_up import clean_up
from .code_there import CodeThere
from .sweep_there import SweepThere, folder_there
from .workers import TROUBLE, HostWorkers


@dataclass(frozen=True)
class Equipment:
    """Says what a host has for a sweep.

    Args:
        python: the interpreter that understands what was pickled here.
        program: where hsm's own modules lie there.
        spec: how workers run tasks there: as many at once as it has room for.
        code: what it has of the app.
    """

    python: str
    program: Path
    spec: WorkerSpec
    code: CodeThere = field(default_factory=CodeThere)


#: Seconds for which a machine's word that its worker lives is taken for granted: asking takes three round trips.
SURE_S = 1.0
#: Asks a host what it has; raises BackendError if nothing there will do, HostTrouble if it can't be asked.
Equip = Callable[[Host], Equipment]


class HostPool(HostWorkers):
    """The workers of a host, as the process sees them that gives them work.

    Args:
        spec: of its workers, as far as the user said it.
        equip: asks the host.
        lost_after_s: seconds without an answer after which its tasks may go to other sources; 0: never.
    """

    logs: tuple[str, ...] = ()

    def __init__(
        self, record: SourceRecord, paths: SweepPaths, host: Host, spec: WorkerSpec, equip: Equip,
        lost_after_s: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(record, paths, host)
        self.spec = spec
        self._equip, self._lost_after_s = equip, lost_after_s
        self._there: SweepThere | None = None
        self._equipment: Equipment | None = None
        self._worker = ""
        self._started: set[str] = set()
        self._alive_at = -math.inf  # when its machine last said so
        self._inbox_writer: JournalWriter | None = None

    def preview(self, tasks: Sequence[int], *, detached: bool) -> list[str]:
        """It is not asked for that: nothing is sent there before something is started."""
        slots = counted(self.spec.slots, "slot") if self.spec.slots else "a slot for each core or GPU"
        return [f"1 worker on {self.name} with {slots}"]

    def next_portion(self, waiting: Sequence[Pair], jobs: Snapshot, *, detached: bool) -> Portion:
        try:
            self._asked()
        except HostClosed:
            raise
        except OSError as error:
            raise NotNow(f"{self.name} can't be used now", evidence=self._told(error)) from error
        return portion_beside(waiting, jobs, self.spec, self._started, detached=detached, machine=self.name)

    def prepare(self, submission: Submission, portion: Portion) -> None:
        """Whatever a worker needs is sent when it is submitted."""

    def submit(self, submission: Submission, portion: Portion) -> Handed:
        try:
            writer = self._worker_for(submission)
        except HostClosed:
            raise
        except ChildProcessError as error:
            raise self._exited(error) from error
        except OSError as error:  # nothing of it was given to anybody
            raise NotNow(f"{self.name} can't be given tasks now", evidence=self._told(error)) from error
        worker = self._known(self._worker)
        worker.given[submission.name] = {pair for span in submission.spans for pair in span}
        for number in range(len(submission.batches)):
            writer.append(Assigned(submission.batch_id(number)))
        writer.sync()
        if writer.trouble is not None:
            raise BackendError("the worker's tasks can't be written to disk", evidence=str(writer.trouble))
        try:
            self._give_inbox(self._worker)
        except TROUBLE as error:
            raise NoAnswer(f"{self.name} does not answer", evidence=self._told(error)) from error
        return Handed(worker.name, worker.process)

    def tend(self, jobs: Snapshot) -> None:
        self._bring_home(jobs.lines)
        self._leases.keep(may_give_up=bool(self._lost_after_s))

    def health(self) -> Health:
        """A task whose files are on their way uses no slot any more, though it has not ended here."""
        try:
            return Health(self._asked().spec.slots + self.coming, self._trouble)
        except TROUBLE as error:
            return Health(self.spec.slots or 1, self._told(error))

    def close(self) -> None:
        if self._inbox_writer is not None:
            self._inbox_writer.seal()
            with suppress(*TROUBLE):  # without a word, its worker ends when it has been idle for a while
                self._give_inbox(self._worker)
                if self.record.settings.get("cleanup") == "on_success":
                    clean_up(self._paths, self._host, self._root, list(self._workers.values()))
            self._inbox_writer = None
        super().close()

    def log_tail(self) -> str:
        return last_lines(self._paths.worker_log(self._worker), 15) if self._worker else ""

    def _asked(self) -> Equipment:
        if self._equipment is None:
            self._equipment = self._equip(self._host)
            self.spec = self._equipment.spec
        return self._equipment

    def _worker_for(self, submission: Submission) -> JournalWriter:
        """Returns the inbox of a worker that surely was started and still listens."""
        there = self._sweep_there()
        there.send(submission)
        if self._inbox_writer is not None and self._lives(self._worker):
            return self._inbox_writer
        name = f"{self._prefix}{nonce()}"
        inbox = JournalWriter(self._paths.inbox(name))
        inbox.append(ConductorHead("", this_process()))
        self._give_inbox(name)
        if self._lost_after_s:
            self._leases.give(name, self._lost_after_s, self.spec.grace_s)
        process = there.start(name, submission, self.name)
        self._started.add(name)
        self._worker, self._inbox_writer, self._alive_at = name, inbox, -math.inf
        self._known(name).process = process
        return inbox

    def _lives(self, name: str) -> bool:
        worker = self._known(name)
        asked_at = time.monotonic()
        if asked_at - self._alive_at < SURE_S and not (worker.sealed or worker.expired or self._is_lost(name)):
            return True
        worker.bring_home(self._patience_s)
        if worker.sealed or worker.expired or self._is_lost(name) or worker.process is None:
            return False
        lives = not self._host.evidence_of_death(worker.process)
        self._alive_at = asked_at if lives else -math.inf
        return lives

    def _sweep_there(self) -> SweepThere:
        if self._there is None:
            asked, folder = self._asked(), folder_there(self._host, self.record.settings)
            self._there = SweepThere(
                self._paths, self._host, folder, self._sweep, asked.python, asked.program, asked.code
            )
        return self._there

    def _exited(self, error: ChildProcessError) -> BackendError:
        return BackendError(
            f"the worker on {self.name} ended at once: {error}", evidence=self._asked().python,
            fix=f"{{name: {self.name}, python: PYTHON}}    # in hydra.launcher.hosts",
        )  # fmt: skip

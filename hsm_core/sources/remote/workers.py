"""The workers that a sweep has on another machine, for whoever asks about them, fetches their results, ends them."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from hsm_core.errors import HostClosed, HostDown, HsmError, LinkLost, NoAnswer
from hsm_core.hosts.interface import Host
from hsm_core.hosts.mirror import Mirror
from hsm_core.model import SourceKind
from hsm_core.store import events
from hsm_core.store.away.fences import give_back_end
from hsm_core.store.journal import JournalReader
from hsm_core.store.layout import SweepPaths, TaskPaths
from hsm_core.store.left_there import LeftThere, write_left
from hsm_core.store.record import SourceRecord, read_record
from hsm_core.store.state.jobs import ENDED_ITSELF, STAYED_AWAY, JobWord, Key, SubmissionState
from hsm_core.store.submission import read_submission

from ..interface import Handed, Health, Polled
from ..snapshot import Snapshot
from ..source_thread import SourceThread
from .leases import Leases
from .staying import Staying
from .sweep_there import folder_there, root_there
from .worker_mirror import Copying, WorkerMirror
from .worker_words import WorkerWords, is_result

#: What may go wrong with a host, or the disk here, and may be well again later.
TROUBLE = (HsmError, OSError, ValueError)
#: Seconds in which small files come, as a rule.
PATIENCE_S = 0.2
#: Characters of a source's name that are not taken into the names of its workers' files.
_NOT_IN_FILES = re.compile(r"[^\w.-]+", re.ASCII)


class HostWorkers:
    """Workers on a machine that shares no disk with this one.

    What they write is brought home by whoever polls or tends; two who do so at once do no harm to each other.

    Args:
        record: describes the source.
        host: the machine.
        patience_s: seconds that a call waits for the files of tasks that have just ended.
    """

    kind: SourceKind = "host"

    def __init__(
        self, record: SourceRecord, paths: SweepPaths, host: Host, patience_s: float = PATIENCE_S
    ) -> None:
        self.name, self.record = record.name, record
        self._paths, self._host = paths, host
        self._workers: dict[str, WorkerMirror] = {}
        self._dead: dict[str, str] = {}
        small, large = (SourceThread(f"{record.name}, {size} files") for size in ("small", "large"))
        self._copying, self._patience_s = Copying(small, large, Staying.of(record.settings)), patience_s
        self._leases = Leases(paths, host, lambda: self._root)
        self._given: set[Path] = set()
        self._to_give: set[str] = set()
        self._trouble = ""

    @cached_property
    def _sweep(self) -> str:
        return read_record(self._paths).id

    @property
    def _root(self) -> Path:
        return root_there(folder_there(self._host, self.record.settings), self._sweep)

    def find(self, token: str) -> Handed | None:
        """Whatever stands in an inbox here was perhaps given, and is given again as soon as its host answers."""
        name = self._submission_of(token)
        worker = None if name is None else self._assignee(name)
        if name is None or worker is None:
            return None
        self._to_give.add(worker)
        with suppress(*TROUBLE):
            known = self._known(worker)
            known.given[name] = {pair for span in read_submission(self._paths, name).spans for pair in span}
            self._give_again(known)
            return Handed(worker, known.process)
        return Handed(worker)

    def poll(self, jobs: Snapshot, not_before: float) -> Polled:
        self._bring_home(jobs.lines)
        words = self._words_on_lost(jobs)
        try:
            for line in jobs.lines if not self._trouble else ():
                word = self._word_on(line)
                words |= {} if word is None else {key: word for key in jobs.open if key[0] == line.name}
        except TROUBLE as error:
            self._trouble = self._told(error)
        if self._trouble:
            return Polled(words, at=time.monotonic(), trouble=self._trouble + self._leases.outlook())
        return Polled(words, is_answer=True, at=time.monotonic())

    def tend(self, jobs: Snapshot) -> None:
        """Brings home what is new, and has the leases renewed: only whoever conducts a sweep tends its sources."""
        self._bring_home(jobs.lines)
        self._leases.keep()

    def cancel(self, jobs: Snapshot, *, at_once: bool = False) -> None:
        self._learn(jobs.lines)
        names = {line.native_id for line in jobs.lines if line.name in {name for name, _ in jobs.alive}}
        try:
            self._give_requests()
            for worker in [self._workers[name] for name in names if name in self._workers]:
                if worker.process is not None and not worker.sealed:
                    self._host.signal(worker.process, signal.SIGINT if at_once else signal.SIGTERM)
        except TROUBLE as error:
            raise NoAnswer(f"{self.name} can't be told to end its tasks", evidence=str(error)) from error

    def cancel_tasks(self, jobs: Snapshot, tasks: Sequence[int]) -> None:
        """Workers read the requests that lie beside their inboxes."""
        try:
            self._give_requests()
        except TROUBLE as error:
            raise NoAnswer(f"{self.name} can't be told to end tasks", evidence=str(error)) from error

    def remove_idle(self, jobs: Snapshot) -> int:
        return 0

    @property
    def coming(self) -> int:
        """Returns how many tasks have ended there whose files are on their way."""
        return sum(worker.coming for worker in self._workers.values())

    def pull(self, task: int, files: TaskPaths) -> None:
        """Fetches what stays there of a task, or raises an OSError that tells why it can't; what came is kept."""
        folder = files.root.relative_to(self._paths.root)
        Mirror(self._host, self._root, self._paths.root).fetch(folder, is_result)
        write_left(self._paths, task, LeftThere(self.name, 0, 0))

    def health(self) -> Health:
        return Health(trouble=self._trouble)

    def close(self) -> None:
        self._leases.close()
        with suppress(*TROUBLE):  # without a word, their tasks end when their leases run out
            for worker in self._workers.values():
                if not worker.sealed:
                    self._leases.release(worker.name)
        self._host.close()

    # what is known of them

    def _learn(self, lines: Iterable[SubmissionState]) -> None:
        """Takes from the sweep's state who was given what."""
        for line in lines:
            if line.native_id:
                self._leases.learn(line.native_id)
        for line in lines:
            if line.native_id:
                worker = self._known(line.native_id)
                worker.given.setdefault(line.name, {pair for span in line.tasks for pair in span})
                worker.process = worker.process or line.job

    def _known(self, name: str) -> WorkerMirror:
        if name not in self._workers:
            words = WorkerWords(name, self.name, self._host.name)
            self._workers[name] = WorkerMirror(self._paths, self._host, self._root, words, self._copying)
        return self._workers[name]

    def _bring_home(self, lines: Iterable[SubmissionState]) -> None:
        """Fetches what is new of all workers; one whose words or files can't be taken keeps no other back."""
        troubles: list[Exception] = []
        try:
            self._learn(lines)
            for worker in [one for name, one in self._workers.items() if name not in self._dead]:
                try:
                    self._tell_what_holds(worker)
                    worker.bring_home(self._patience_s)
                except (HostDown, HostClosed, LinkLost):
                    raise
                except TROUBLE as error:
                    troubles.append(error)
                if worker.sealed and not self._is_lost(worker.name):
                    self._leases.forget(worker.name)
        except TROUBLE as error:
            troubles.append(error)
        self._trouble = self._told(troubles[0]) if troubles else ""

    def _told(self, error: Exception) -> str:
        return " ".join(str(error).split())

    def _word_on(self, line: SubmissionState) -> JobWord | None:
        """Says how the worker of a submission is; only its host's own evidence makes it dead."""
        worker = self._workers.get(line.native_id)
        if worker is None or self._is_lost(line.native_id):
            return None
        if not worker.sealed and worker.name not in self._dead and worker.process is not None:
            evidence = self._host.evidence_of_death(worker.process)
            if evidence is not None:
                self._end_leftovers(worker)
                if worker.bring_rest():  # its last words came before its death
                    self._dead[worker.name] = evidence
        if worker.sealed and worker.expired:
            told = f"{self.name} heard nothing for {worker.expired:.0f} s {ENDED_ITSELF}"
            return JobWord("ended", "lost", "node", told, node=self.name)
        if worker.sealed:
            return JobWord("ended", evidence="its worker ended before it took the task", node=self.name)
        if evidence := self._dead.get(worker.name):
            return JobWord("ended", "lost", "node", evidence, node=self.name)
        return JobWord("running", node=self.name)

    # what is given up

    def _is_lost(self, worker: str) -> bool:
        """Returns whether a worker's tasks were given up, as the machine stays away."""
        return self._leases.is_revoked(worker)

    def _words_on_lost(self, jobs: Snapshot) -> dict[Key, JobWord]:
        """Gives up the tasks of workers whose machine is away for so long that they have surely ended them."""
        words: dict[Key, JobWord] = {}
        for line in jobs.lines:
            worker = line.native_id or (self._assignee(line.name) if self._trouble else None) or ""
            if worker and self._trouble:
                self._leases.learn(worker)
                with suppress(OSError):  # nothing is given up that is not written down
                    if self._leases.revoke(worker):
                        self._give_back(line, jobs)
            if worker and self._is_lost(worker):
                told = f"{self.name} did not answer for {self._leases.seconds_of(worker):.0f} s, {STAYED_AWAY}"
                word = JobWord("ended", "lost", "node", told, node=self.name)
                words |= {key: word for key in jobs.open if key[0] == line.name}
        return words

    def _give_back(self, line: SubmissionState, jobs: Snapshot) -> None:
        """Ends whose files did not all come before the machine was given up count no more than those unheard of."""
        worker = self._workers.get(line.native_id)
        for number, attempt in (pair for span in line.tasks for pair in span if pair[0] in jobs.unended):
            if worker is None or not worker.is_coming((number, attempt)):
                give_back_end(self._paths, number, attempt)

    def _tell_what_holds(self, worker: WorkerMirror) -> None:
        """A machine is back: its worker gets what was on its way, or hears that its tasks were given up."""
        if worker.sealed:
            return
        self._give_again(worker)
        if self._is_lost(worker.name):
            with suppress(FileNotFoundError):
                self._leases.tell(worker.name)
            if worker.process is not None and (evidence := self._host.evidence_of_death(worker.process)):
                self._end_leftovers(worker)
                if worker.bring_rest():
                    self._dead[worker.name] = evidence

    def _give_again(self, worker: WorkerMirror) -> None:
        if worker.name in self._to_give and not self._is_lost(worker.name):
            self._give_inbox(worker.name)
            self._to_give.discard(worker.name)

    def _end_leftovers(self, worker: WorkerMirror) -> None:
        journal = self._paths.journal(worker.name).relative_to(self._paths.root)
        self._host.end_leftovers(self._root / journal)

    # what they are given

    def _give_inbox(self, worker: str) -> None:
        inbox = self._paths.inbox(worker).relative_to(self._paths.root)
        Mirror(self._host, self._root, self._paths.root).give(inbox)

    def _submission_of(self, token: str) -> str | None:
        for record in self._paths.hsm.glob("launch-*/submit-*/submission.json"):
            name = str(record.parent.relative_to(self._paths.hsm))
            if read_submission(self._paths, name).token == token:
                return name
        return None

    def _assignee(self, submission: str) -> str | None:
        """Returns the worker whose inbox names a submission's batches."""
        own = re.compile(rf"{re.escape(self._prefix)}\w{{8}}", re.ASCII)
        for inbox in self._paths.inbox("").parent.glob("*.jsonl"):
            if own.fullmatch(inbox.stem):
                found = [one.batch for one in JournalReader(inbox).read_new() if isinstance(one, events.Assigned)]
                if any(batch.rpartition("/")[0] == submission for batch in found):
                    return inbox.stem
        return None

    @property
    def _prefix(self) -> str:
        return f"{_NOT_IN_FILES.sub('-', self.name)}-"

    def _give_requests(self) -> None:
        with suppress(FileNotFoundError):
            for path in sorted(self._paths.requests.glob("*.json")):
                if path not in self._given:
                    self._host.write(self._root / path.relative_to(self._paths.root), path.read_bytes())
                    self._given.add(path)

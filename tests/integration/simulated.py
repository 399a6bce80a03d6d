"""Sources that are simulated, in virtual time: they claim, run, report, break down and lie as real ones do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from random import Random

from hsm_core.errors import BackendError, NoAnswer, NotNow
from hsm_core.model import ProcessIdentity, SourceKind
from hsm_core.sources.interface import Handed, Health, Pair, Polled, Portion
from hsm_core.sources.snapshot import Snapshot
from hsm_core.store import events
from hsm_core.store.claims import claim_batch
from hsm_core.store.event_codec import Event
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import SourceRecord
from hsm_core.store.state.jobs import JobWord, Key
from hsm_core.store.submission import Submission, WorkerSpec


@dataclass
class Run:
    """An execution of a task, as a witness saw it; ``until``: when it ended, or will."""

    task: int
    attempt: int
    source: str
    began: float
    until: float
    is_over: bool = False
    is_completed: bool = False


class World:
    """The machines, the tasks and the witness.

    Args:
        takes_s: seconds that each task takes at a source of speed 1.
        bad: tasks whose own code fails.
    """

    def __init__(self, random: Random, paths: SweepPaths, takes_s: Sequence[float], bad: set[int]) -> None:
        self.random, self.paths, self.takes_s, self.bad = random, paths, takes_s, bad
        self.now = 1000.0
        self.runs: list[Run] = []
        self.numbers = count(1)
        self.is_calm = False

    def chance(self, share: float) -> bool:
        """Whether a fault happens now that does so often."""
        return not self.is_calm and self.random.random() < share

    def overlapping(self) -> list[tuple[Run, Run]]:
        """Pairs of executions of one task that ran at the same time."""
        of_task: dict[int, list[Run]] = {}
        for run in self.runs:
            of_task.setdefault(run.task, []).append(run)
        ordered = [sorted(runs, key=lambda run: run.began) for runs in of_task.values()]
        return [
            (one, two) for runs in ordered for one, two in pairwise(runs) if two.began < one.until
        ]


@dataclass
class Worker:
    """A worker and what it has taken: batches that wait, and tasks that run. What it writes may be on its way."""

    name: str
    native_id: str
    process: ProcessIdentity
    starts_at: float
    batches: list[tuple[Submission, int]] = field(default_factory=list)
    waiting: list[Pair] = field(default_factory=list)
    running: list[Run] = field(default_factory=list)
    lines: list[Event] = field(default_factory=list)
    journal: JournalWriter | None = None
    is_dead: bool = False
    is_done: bool = False

    def write(self, paths: SweepPaths) -> None:
        """What it has said is there to be read."""
        for line in self.lines:
            self.journal = self.journal or JournalWriter(paths.journal(self.name))
            self.journal.append(line)
        self.lines.clear()
        if self.is_done and not self.is_dead and self.journal is not None:
            self.journal.seal()
            self.journal = None


class SimulatedSource:
    """A queue, each of whose jobs runs one task, or a host with one worker; see ``Source``.

    Args:
        speed: how much longer tasks take there.
        wait_s: seconds that a job waits in its queue.
        is_refusing: it takes nothing, whatever it is asked.
    """

    logs: tuple[str, ...] = ()

    def __init__(
        self, world: World, name: str, kind: SourceKind, slots: int, speed: float, wait_s: float = 0.0, *,
        is_refusing: bool = False,
    ) -> None:  # fmt: skip
        self.name, self.kind, self.slots = name, kind, slots
        self.record = SourceRecord(name, kind, settings={"scheduler": "slurm"} if kind == "queue" else {})
        self.spec = WorkerSpec(source=name, slots=slots)
        self._world, self._speed, self._wait_s, self._is_refusing = world, speed, wait_s, is_refusing
        self._workers: list[Worker] = []
        self._of_key: dict[Key, list[Worker]] = {}
        self._tokens: dict[str, Handed] = {}
        self._away_until = 0.0

    # what a conductor asks

    def preview(self, tasks: Sequence[int], *, detached: bool) -> list[str]:
        return []

    def next_portion(self, waiting: Sequence[Pair], jobs: Snapshot, *, detached: bool) -> Portion:
        return Portion(waiting, 1 if self.kind == "queue" else 0)

    def prepare(self, submission: Submission, portion: Portion) -> None:
        pass

    def submit(self, submission: Submission, portion: Portion) -> Handed:
        if self._is_refusing:
            raise BackendError("invalid account")
        if self._is_away:
            raise NotNow("no route to host")
        if self._world.chance(0.03):
            raise NotNow("try later")
        if self._world.chance(0.03):
            raise NoAnswer("timed out")  # and it was not accepted
        handed = self._accept(submission)
        if self._world.chance(0.05):
            raise NoAnswer("timed out")  # and it was
        if self.kind == "queue" and self._world.chance(0.02):
            self._accept(submission)  # a wrapper that tries again
        return handed

    def find(self, token: str) -> Handed | None:
        if self._is_away:
            raise NoAnswer("no route to host")
        return self._tokens.get(token)

    def poll(self, jobs: Snapshot, not_before: float) -> Polled:
        if self._is_away:
            return Polled(at=self._world.now, trouble="no route to host")
        self.tend(jobs)
        words = {key: word for key in jobs.open if (word := self._word_on(key)) is not None}
        return Polled(words, is_answer=True, at=self._world.now)

    def tend(self, jobs: Snapshot) -> None:
        if not self._is_away:
            for worker in self._workers:
                worker.write(self._world.paths)

    def cancel(self, jobs: Snapshot, *, at_once: bool = False) -> None:
        raise AssertionError("nobody asked for that")

    def cancel_tasks(self, jobs: Snapshot, tasks: Sequence[int]) -> None:
        if self._is_away:
            raise NoAnswer("no route to host")
        wanted = set(tasks)
        for worker in self._workers:
            pairs = {number for one, batch in worker.batches for span in one.batches[batch] for number, _ in span}
            if not worker.running and not worker.journal and pairs and pairs <= wanted:
                worker.is_done = True

    def remove_idle(self, jobs: Snapshot) -> int:
        return 0

    def health(self) -> Health:
        return Health(self.slots, "no route to host" if self._is_away else "")

    def close(self) -> None:
        pass

    def log_tail(self) -> str:
        return ""

    # what happens there

    def advance(self) -> None:
        """Lives until now."""
        if self._world.chance(0.003):
            self._away_until = self._world.now + self._world.random.uniform(5.0, 90.0)
        for worker in self._workers:
            if not worker.is_done:
                self._advance(worker)
        if self.kind == "queue" and not self._is_away:
            self.tend(Snapshot())

    @property
    def busy(self) -> int:
        """How many tasks run there."""
        return sum(len(worker.running) for worker in self._workers)

    @property
    def _is_away(self) -> bool:
        return self._world.now < self._away_until

    def _accept(self, submission: Submission) -> Handed:
        keys = [(submission.name, number) for number in range(len(submission.batches))]
        if self.kind == "host":
            worker = next((one for one in self._workers if not one.is_done), None) or self._new_worker("")
            worker.batches += [(submission, number) for _, number in keys]
            handed = Handed(worker.name, worker.process)
            for key in keys:
                self._of_key.setdefault(key, []).append(worker)
        else:
            native_id = str(next(self._world.numbers))
            handed = Handed(native_id)
            for key in keys:
                worker = self._new_worker(f"{native_id}_{key[1]}")
                worker.batches.append((submission, key[1]))
                self._of_key.setdefault(key, []).append(worker)
        return self._tokens.setdefault(submission.token, handed)

    def _new_worker(self, native_id: str) -> Worker:
        name = f"{self.name}-{next(self._world.numbers)}"
        process = ProcessIdentity(f"node-of-{self.name}", "boot", next(self._world.numbers), "1")
        wait_s = self._world.random.uniform(0.5, 1.5) * self._wait_s
        worker = Worker(name, native_id, process, self._world.now + wait_s)
        worker.lines.append(events.WorkerHead(name, process, self.name, native_id, "", self.slots))
        if self.kind == "host":
            worker.write(self._world.paths)
        self._workers.append(worker)
        return worker

    def _advance(self, worker: Worker) -> None:
        if self._world.now < worker.starts_at or (self.kind == "queue" and not self._has_started(worker)):
            return
        if self._world.chance(0.002 if self.kind == "host" else 0.0005):
            self._kill(worker)
            return
        self._end_tasks(worker)
        for submission, number in worker.batches:
            self._claim(worker, submission, number)
        worker.batches.clear()
        slots = self.slots if self.kind == "host" else 1
        while worker.waiting and len(worker.running) < slots:
            self._start(worker, *worker.waiting.pop(0))
        if self.kind == "queue" and not worker.running and not worker.waiting:
            worker.is_done = True

    def _has_started(self, worker: Worker) -> bool:
        """Whether its job has a slot."""
        return bool(worker.running) or self.busy < self.slots

    def _claim(self, worker: Worker, submission: Submission, number: int) -> None:
        batch = submission.batch_id(number)
        claim = claim_batch(
            self._world.paths, batch, worker=worker.name, native_id=worker.native_id or worker.name, restart=0,
            process=worker.process,
        )  # fmt: skip
        if claim is not None and not claim.again:
            worker.lines.append(events.Claimed(batch, submission.batches[number]))
            worker.waiting += [pair for span in submission.batches[number] for pair in span]

    def _start(self, worker: Worker, task: int, attempt: int) -> None:
        took = self._world.takes_s[task] * self._speed * self._world.random.uniform(0.8, 1.2)
        run = Run(task, attempt, self.name, self._world.now, self._world.now + took)
        self._world.runs.append(run)
        worker.running.append(run)
        worker.lines.append(events.Start(task, attempt, str(task), "", 0, 1, worker.process.host))

    def _end_tasks(self, worker: Worker) -> None:
        for run in [one for one in worker.running if one.until <= self._world.now]:
            worker.running.remove(run)
            run.is_over, run.is_completed = True, run.task not in self._world.bad
            wall = run.until - run.began
            worker.lines.append(
                events.End(run.task, run.attempt, "completed", wall=wall)
                if run.is_completed
                else events.End(run.task, run.attempt, "failed", "exception", "its own fault", wall=wall)
            )

    def _kill(self, worker: Worker) -> None:
        self._end_tasks(worker)
        for run in worker.running:
            run.is_over, run.until = True, self._world.now
        worker.running.clear()
        worker.waiting.clear()
        worker.is_dead = worker.is_done = True

    def _word_on(self, key: Key) -> JobWord | None:
        workers = self._of_key.get(key, [])
        alive = [one for one in workers if not one.is_done]
        if any(one.running or one.waiting or one.starts_at <= self._world.now for one in alive):
            return JobWord("running")
        if alive:
            return JobWord("waiting")
        if any(one.is_dead for one in workers):
            return JobWord("ended", "lost", "node", "node failure")
        return JobWord("ended", evidence="gone") if workers else None


def all_ends(paths: SweepPaths) -> Iterator[events.End]:
    """What all workers have said of the ends of tasks."""
    from hsm_core.store.journal import JournalReader

    for path in paths.events.glob("*.jsonl"):
        yield from (one for one in JournalReader(path).read_new() if isinstance(one, events.End))

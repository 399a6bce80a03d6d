"""Hands batches to a scheduler: as arrays where it can, within what the scheduler allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from hsm_core.model import Resources, counted
from hsm_core.overrides import joined
from hsm_core.safe_open import last_lines
from hsm_core.schedulers.batch_system import JobWriter, Place
from hsm_core.schedulers.interface import LimitReached, NotNow, Refused, Scheduler, Script
from hsm_core.settings import QueueSettings
from hsm_core.store.files import write_atomically
from hsm_core.store.layout import LaunchPaths, SweepPaths
from hsm_core.store.record import SourceRecord
from hsm_core.store.submission import Submission, WorkerSpec

from ..interface import Handed, Health, Pair, Portion
from ..snapshot import Snapshot
from ..worker_command import WorkerStarts
from .array_throttle import SharedThrottle
from .queue_room import Room
from .submitted_jobs import SubmittedJobs


class Needs(NamedTuple):
    """Of a task: what its job asks for, in the scheduler's terms, and the worker that runs it there."""

    asked: Resources
    spec: WorkerSpec


class _Pack(NamedTuple):
    """How many tasks a job runs, what it asks for then, and what the user should know of it."""

    each: int
    asked: Resources
    remark: str = ""


class BatchQueue(SubmittedJobs):
    """A scheduler as a place where batches go.

    Args:
        record: describes it.
        needs_of: what a task needs; those that need the same share an array.
        logs: names of the jobs' logs, see ``BatchSystem``.
    """

    def __init__(
        self, paths: SweepPaths, record: SourceRecord, scheduler: Scheduler, spec: WorkerSpec,
        settings: QueueSettings, writer: JobWriter, needs_of: Callable[[int], Needs], starts: WorkerStarts,
        logs: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        super().__init__(record.name, scheduler, paths)
        self.record, self.spec, self.logs = record, spec, logs
        self._paths, self._settings = paths, settings
        self._writer, self._needs_of, self._starts = writer, needs_of, starts
        self._queue_room = Room(scheduler)
        self._is_counted = settings.mode == "individual" or not scheduler.throttles
        limited = settings.parallelism is not None and not self._is_counted
        self._throttle = SharedThrottle(self._own, settings.parallelism or 1) if limited else None

    def preview(self, tasks: Sequence[int], *, detached: bool) -> list[str]:
        waiting = [(number, 1) for number in tasks]
        groups = list(self._groups(waiting))
        lines = []
        for (asked, spec), pairs in groups:
            pack = self._packed(asked, len(waiting), len(groups), Snapshot(), detached=detached)
            self._require_taken(pack.asked)
            jobs = math.ceil(len(pairs) / pack.each)
            size = None if self._is_individual(jobs) else min(jobs, self._array_size(self._writer.place(asked)))
            what = counted(jobs, "job")
            what += "" if size is None else f" in {counted(math.ceil(jobs / size), 'array')}"
            lines.append(f"{self.name}: {what}, {pack.remark or counted(pack.each, 'task') + ' a job'}")
            portion = Portion(pairs[: (size or 1) * pack.each], pack.each)
            submission = Submission("launch-0/submit-0", "TOKEN", portion.batches, spec, "launch-0")
            script = Script(Path("script.sh"), self._paths.logs, submission.token, size, self._settings.parallelism)
            lines.append(f"$ {joined(self._scheduler.submit_command(script))}")
            lines += self._writer.text(pack.asked, self._starts.of(submission, size, script.throttle)).splitlines()
        return lines

    # dividing

    def next_portion(self, waiting: Sequence[Pair], jobs: Snapshot, *, detached: bool) -> Portion:
        groups = list(self._groups(waiting))
        (asked, spec), pairs = groups[0]
        place = self._writer.place(asked)
        pack = self._packed(asked, len(waiting), len(groups), jobs, detached=detached)
        room, evidence = self._room(place, jobs)
        count = math.ceil(len(pairs) / pack.each)
        most = self._array_size(place)
        size = min(count, 1 if self._is_individual(count) else most)
        size = size if room is None else min(size, room)
        at_once = None
        if self._throttle is not None:
            self._throttle.learn(jobs)
            to_come = sum(math.ceil(len(more) / pack.each / most) for _, more in groups)
            self._throttle.arrays_to_come = to_come
            at_once = min(size, self._throttle.next_share(to_come))
            size, evidence = (size, evidence) if at_once > 0 or size == 0 else (0, self._at_once_told())
        if size == 0:
            raise NotNow("no more jobs can be submitted now", evidence=evidence)
        return Portion(pairs[: size * pack.each], pack.each, pack.asked, at_once, pack.remark, spec)

    def _packed(self, asked: Resources, tasks: int, groups: int, jobs: Snapshot, *, detached: bool) -> _Pack:
        """How many tasks a job runs: as many as was wished, or more where nobody could submit more jobs later."""
        each = self._settings.tasks_per_job
        most, limit = self._most_jobs(self._writer.place(asked), groups, jobs) if detached else (None, "")
        if most is None or math.ceil(tasks / each) <= most:
            return _Pack(each, asked)
        each = math.ceil(tasks / most)
        asked, longer = self._writer.longer(asked, self._times_as_long(each))
        remark = f"{counted(each, 'task')} a job, as there is room for {counted(most, 'job')} ({limit})"
        return _Pack(each, asked, remark + (f", {longer}" if longer else ""))

    def _times_as_long(self, per_job: int) -> int:
        """How much longer a job takes with so many tasks than with as many as the user wished."""
        slots = self.spec.slots
        return math.ceil(math.ceil(per_job / slots) / math.ceil(self._settings.tasks_per_job / slots))

    def _most_jobs(self, place: Place, groups: int, jobs: Snapshot) -> tuple[int | None, str]:
        """How many jobs fit at once when nobody submits more later, and what says so; None: any number."""
        room, evidence = self._room(place, jobs)
        bounds = [] if room is None else [(max(room, 1), evidence)]
        if self._throttle is not None:  # each array needs a share of it
            size = self._array_size(place)
            most = max(1, self._settings.parallelism or 1) * size // max(1, groups)
            bounds.append((max(1, most), f"{self._at_once_told()}, and arrays of {size}"))
        return min(bounds, default=(None, ""))

    def _groups(self, waiting: Sequence[Pair]) -> Iterator[tuple[Needs, list[Pair]]]:
        """Tasks that need the same, together; in the order of their first ones."""
        groups: list[tuple[Needs, list[Pair]]] = []
        of_object: dict[int, tuple[Needs, list[Pair]]] = {}  # most tasks that need the same, share the object
        for pair in waiting:
            needs = self._needs_of(pair[0])
            if id(needs) not in of_object:
                same = next((pairs for known, pairs in groups if known == needs), None)
                if same is None:
                    groups.append((needs, same := []))
                of_object[id(needs)] = needs, same
            of_object[id(needs)][1].append(pair)
        yield from groups

    def _is_individual(self, jobs: int) -> bool:
        return self._settings.mode == "individual" or (self._settings.mode == "auto" and jobs == 1)

    def _array_size(self, place: Place) -> int:
        allowed = self._queue_room.allowed(place)
        sizes = (allowed.array_index, allowed.array_size, self._settings.max_array_size)
        return min((size for size in sizes if size), default=1000)

    # room

    def _room(self, place: Place, jobs: Snapshot) -> tuple[int | None, str]:
        """How many more jobs may be in the queue now, and what says so; None: nothing limits them."""
        bounds = list(self._queue_room.bounds(place))
        if self._settings.parallelism is not None and self._is_counted:
            bounds.append((self._settings.parallelism - len(jobs.alive), self._at_once_told()))
        room, evidence = min(bounds, default=(None, ""))
        return (None if room is None else max(room, 0)), evidence

    def _at_once_told(self) -> str:
        return f"array_parallelism={self._settings.parallelism}"

    # submitting

    def prepare(self, submission: Submission, portion: Portion) -> None:
        size = self._size(submission)
        text = self._writer.text(_asked(portion), self._starts.of(submission, size, _throttle(portion, size)))
        script = LaunchPaths.script(self._paths.hsm / submission.name)
        write_atomically(script, text.encode("utf-8", "surrogateescape"), private=True)
        script.chmod(0o700)

    def submit(self, submission: Submission, portion: Portion) -> Handed:
        size = self._size(submission)
        script = Script(
            LaunchPaths.script(self._paths.hsm / submission.name), self._paths.logs,
            submission.token, size, _throttle(portion, size),
        )  # fmt: skip
        self._require_taken(_asked(portion))
        if self._throttle is not None and portion.at_once:
            self._throttle.add(submission.name, portion.at_once, len(submission.batches))
        try:
            native_id = self._scheduler.submit(script)
        except LimitReached as error:
            self._queue_room.refused(self._writer.place(_asked(portion)), size or 1, error.evidence or error.problem)
            if self._throttle is not None:
                self._throttle.drop(submission.name)
            raise
        self._own.accept(native_id)
        self._queue_room.took(self._writer.place(_asked(portion)), size or 1)
        if self._throttle is not None:
            self._throttle.arrays_to_come -= 1
        return Handed(native_id)

    def _require_taken(self, asked: Resources) -> None:
        """
        Raises:
            Refused: it would be accepted, and dropped soon after.
        """
        refusal = self._queue_room.allowed(self._writer.place(asked)).refusal
        if refusal:
            field = "walltime" if "walltime" in refusal else "mem_gb"
            fix = f"hydra.launcher.{field}=…    # or hydra.launcher.queue=…"
            raise Refused("the queue would accept this job and drop it", evidence=refusal, fix=fix, field=field)

    def _size(self, submission: Submission) -> int | None:
        count = len(submission.batches)
        return None if self._is_individual(count) else count

    def tend(self, jobs: Snapshot) -> None:
        super().tend(jobs)
        if self._throttle is not None:
            self._throttle.tend(jobs)

    def health(self) -> Health:
        jobs = self._settings.parallelism
        return replace(super().health(), capacity=None if jobs is None else jobs * self._settings.tasks_per_job)

    def log_tail(self) -> str:
        logs = sorted(self._paths.logs.glob("*.log"), key=lambda log: log.stat().st_mtime)
        return last_lines(logs[-1], 15) if logs else ""


def _asked(portion: Portion) -> Resources:
    assert portion.asked is not None, "a portion of a queue says what its job asks for"
    return portion.asked


def _throttle(portion: Portion, size: int | None) -> int | None:
    """Returns how many elements of an array may run together; a plain job has no such limit."""
    return None if size is None else portion.at_once

"""Hands batches to a scheduler: as arrays where it can, within what the scheduler allows."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from hsm_core.model import Resources, counted
from hsm_core.overrides import joined
from hsm_core.schedulers.batch_system import JobWriter, Place
from hsm_core.schedulers.interface import LimitReached, NoAnswer, NotNow, Refused, Scheduler, Script
from hsm_core.settings import QueueSettings
from hsm_core.store.layout import LaunchPaths, SweepPaths
from hsm_core.store.requests import request_cancel
from hsm_core.store.state.jobs import SubmissionState
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import Submission, WorkerSpec

from .array_throttle import Throttle
from .cancellable_jobs import jobs_of_none_but
from .interface import Handed, Pair, Portion
from .queue_room import Room
from .worker_command import WorkerStarts

#: Seconds between looks at the throttles of arrays.
_TEND_S = 5.0


class Needs(NamedTuple):
    """Of a task: what its job asks for, in the scheduler's terms, and the worker that runs it there."""

    asked: Resources
    spec: WorkerSpec


class _Pack(NamedTuple):
    """How many tasks a job runs, what it asks for then, and what the user should know of it."""

    each: int
    asked: Resources
    remark: str = ""


class BatchQueue:
    """A scheduler as a place where batches go.

    Args:
        state: the sweep; None where only a preview is wanted.
        needs_of: what a task needs; those that need the same share an array.
        logs: names of the jobs' logs, see ``BatchSystem``.
    """

    def __init__(
        self, paths: SweepPaths, state: SweepState | None, scheduler: Scheduler, spec: WorkerSpec,
        settings: QueueSettings, writer: JobWriter, needs_of: Callable[[int], Needs], starts: WorkerStarts,
        logs: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.name, self.spec, self.logs = scheduler.name, spec, logs
        self._paths, self._known, self._scheduler, self._settings = paths, state, scheduler, settings
        self._writer, self._needs_of, self._starts = writer, needs_of, starts
        self._queue_room = Room(scheduler)
        self._is_counted = settings.mode == "individual" or not scheduler.throttles
        limited = settings.parallelism is not None and not self._is_counted
        self._throttle = Throttle(settings.parallelism or 1) if limited else None
        self._arrays_to_come = 0
        self._tended_at = time.monotonic()

    @property
    def _state(self) -> SweepState:
        assert self._known is not None, "a preview needs no state"
        return self._known

    def preview(self, tasks: Sequence[int], *, detached: bool) -> list[str]:
        waiting = [(number, 1) for number in tasks]
        groups = list(self._groups(waiting))
        lines = []
        for (asked, spec), pairs in groups:
            pack = self._packed(asked, len(waiting), len(groups), detached=detached)
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

    def portion(self, waiting: Sequence[Pair], *, detached: bool) -> Portion:
        groups = list(self._groups(waiting))
        (asked, spec), pairs = groups[0]
        place = self._writer.place(asked)
        pack = self._packed(asked, len(waiting), len(groups), detached=detached)
        room, evidence = self._room(place)
        jobs = math.ceil(len(pairs) / pack.each)
        most = self._array_size(place)
        size = min(jobs, 1 if self._is_individual(jobs) else most)
        size = size if room is None else min(size, room)
        at_once = None
        if self._throttle is not None:
            self._learn(self._throttle)
            to_come = sum(math.ceil(len(more) / pack.each / most) for _, more in groups)
            self._arrays_to_come = to_come
            at_once = min(size, self._throttle.next_share(to_come))
            size, evidence = (size, evidence) if at_once > 0 or size == 0 else (0, self._at_once_told())
        if size == 0:
            raise NotNow("no more jobs can be submitted now", evidence=evidence)
        return Portion(pairs[: size * pack.each], pack.each, pack.asked, at_once, pack.remark, spec)

    def _packed(self, asked: Resources, tasks: int, groups: int, *, detached: bool) -> _Pack:
        """How many tasks a job runs: as many as was wished, or more where nobody could submit more jobs later."""
        each = self._settings.tasks_per_job
        most, limit = self._most_jobs(self._writer.place(asked), groups) if detached else (None, "")
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

    def _most_jobs(self, place: Place, groups: int) -> tuple[int | None, str]:
        """How many jobs fit at once when nobody submits more later, and what says so; None: any number."""
        room, evidence = self._room(place)
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

    def _room(self, place: Place) -> tuple[int | None, str]:
        """How many more jobs may be in the queue now, and what says so; None: nothing limits them."""
        bounds = list(self._queue_room.bounds(place))
        if self._settings.parallelism is not None and self._is_counted:
            ours = len(self._alive()) if self._known is not None else 0
            bounds.append((self._settings.parallelism - ours, self._at_once_told()))
        room, evidence = min(bounds, default=(None, ""))
        return (None if room is None else max(room, 0)), evidence

    def _at_once_told(self) -> str:
        return f"array_parallelism={self._settings.parallelism}"

    def _alive(self) -> set[tuple[str, int]]:
        """Jobs of this sweep that have tasks without a last word."""
        found = set()
        for number in self._state.numbers_in("queued", "running"):
            key = self._state.jobs.key_of(number)
            if key is not None:
                found.add(key)
        return found

    # submitting

    def prepare(self, submission: Submission, portion: Portion) -> None:
        size = self._size(submission)
        if self._throttle is not None and portion.at_once:
            self._throttle.add(submission.name, portion.at_once, len(submission.batches))
        text = self._writer.text(_asked(portion), self._starts.of(submission, size, _throttle(portion, size)))
        script = LaunchPaths.script(self._paths.hsm / submission.name)
        script.write_text(text)
        script.chmod(0o755)

    def submit(self, submission: Submission, portion: Portion) -> Handed:
        size = self._size(submission)
        script = Script(
            LaunchPaths.script(self._paths.hsm / submission.name), self._paths.logs,
            submission.token, size, _throttle(portion, size),
        )  # fmt: skip
        self._require_taken(_asked(portion))
        try:
            native_id = self._scheduler.submit(script)
        except LimitReached as error:
            self._queue_room.refused(self._writer.place(_asked(portion)), size or 1, error.evidence or error.problem)
            if self._throttle is not None:
                self._throttle.drop(submission.name)
            raise
        self._queue_room.took(self._writer.place(_asked(portion)), size or 1)
        self._arrays_to_come -= 1
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

    def find(self, submission: Submission) -> Handed | None:
        native_id = self._scheduler.find(submission.token)
        return None if native_id is None else Handed(native_id)

    def _size(self, submission: Submission) -> int | None:
        count = len(submission.batches)
        return None if self._is_individual(count) else count

    # the throttle, over all arrays of the sweep

    def _learn(self, throttle: Throttle) -> None:
        """Count the arrays that an earlier launcher submitted, each once."""
        lines = self._state.jobs.submissions()
        new = [line for line in lines if line.source == self.name and line.name not in throttle]
        living = self._living() if new else Counter()
        for line in new:
            share, is_plain = line.at_once or self._settings.parallelism or 1, line.is_one_job
            throttle.add(line.name, share, living[line.name], is_told=is_plain)
        self._tell(throttle)

    def _living(self) -> Counter[str]:
        """How many jobs of each submission have not ended, as far as the state was read."""
        return Counter(name for name, _ in self._alive())

    def _tell(self, throttle: Throttle) -> None:
        """Have the scheduler keep the shares; one that does not answer is told at the next look."""
        untold = throttle.untold()
        for line in self._state.jobs.submissions() if untold else ():
            name = line.name
            if name in untold and line.native_id:
                with suppress(NoAnswer):
                    self._scheduler.throttle(line.native_id, untold[name])
                    throttle.tell(name)

    def tend(self) -> None:
        """Give arrays that could use it what others no longer need."""
        now = time.monotonic()
        if self._throttle is None or now - self._tended_at < _TEND_S:
            return
        self._tended_at = now
        self._learn(self._throttle)
        self._throttle.left(self._living())
        if self._arrays_to_come <= 0:
            self._throttle.share_out()
            self._tell(self._throttle)

    # ending

    def cancel(self, *, at_once: bool = False) -> None:
        request_cancel(self._paths, None)  # so that workers know that it was wanted
        ids = [line.native_id for line in self._open_lines()]
        if ids:
            self._scheduler.cancel(ids, at_once=at_once)

    def cancel_tasks(self, tasks: Sequence[int]) -> None:
        ids = jobs_of_none_but(self._state, tasks, self._scheduler)
        if ids:
            self._scheduler.cancel(ids)

    def _open_lines(self) -> list[SubmissionState]:
        names = {name for name, _ in self._alive()}
        return [
            line for line in self._state.jobs.submissions()
            if line.source == self.name and line.native_id and line.name in names
        ]  # fmt: skip

    def close(self) -> None:
        """What was submitted is the scheduler's."""

    def log_tail(self) -> str:
        logs = sorted(self._paths.logs.glob("*.log"), key=lambda log: log.stat().st_mtime)
        lines = logs[-1].read_bytes().decode("utf-8", "replace").strip().splitlines() if logs else []
        return "\n".join(lines[-15:])


def _asked(portion: Portion) -> Resources:
    assert portion.asked is not None, "a portion of a queue says what its job asks for"
    return portion.asked


def _throttle(portion: Portion, size: int | None) -> int | None:
    """What an array is told of how many of its elements may run together; a plain job has none."""
    return None if size is None else portion.at_once

"""Judges who is dead and which tasks are lost or held by nobody, and gives the evidence."""

from __future__ import annotations

import time

from hsm_core.model import State
from hsm_core.processes.identity import evidence_of_death

from ..events import End, Lost
from .fold import Fold
from .jobs import JobWord
from .task_state import WriterState
from .unclaimed import unheld

#: Seconds without a beat after which a worker whose job waits in the queue is not taken to run.
SILENT_S = 30.0


class Verdict:
    """Judges tasks by the events, by who is dead and by what schedulers said of their jobs."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._deaths: dict[str, str | None] = {}
        self._orphans: set[int] | None = None

    # who is dead

    def judge(self) -> list[str]:
        """Checks again who is dead; returns the names of those who were alive before."""
        found = {name: self._death(writer) for name, writer in self._fold.writers.items() if not writer.sealed}
        new = [name for name, evidence in found.items() if evidence and not self._deaths.get(name)]
        self._deaths = found
        return new

    def death_of(self, writer: str) -> str | None:
        """Returns evidence, as of the last check, that a worker or conductor is gone."""
        known = self._fold.writers.get(writer)
        if known is not None and known.sealed:
            return f"{writer} ended without reporting it"
        return self._deaths.get(writer)

    def _death(self, writer: WriterState) -> str | None:
        """Returns evidence that a writer is gone; one whose first line is damaged is judged by its submission."""
        if writer.head:
            return writer.death()
        jobs = [one.job for one in self._fold.submissions if one.native_id == writer.name]
        return evidence_of_death(jobs[0]) if jobs and jobs[0] else None

    def _is_silent(self, worker: str) -> bool:
        """Tells whether a worker on another host is silent: nothing else shows that its job waits to be rerun."""
        known = self._fold.writers.get(worker)
        return known is not None and time.monotonic() - known.heard_at > SILENT_S

    def _has_left(self, worker: str) -> bool:
        """Tells whether a worker is dead or silent: its scheduler's word may be older than its own last one."""
        return bool(self.death_of(worker)) or self._is_silent(worker)

    # what becomes of tasks

    def forget_orphans(self) -> None:
        """Forgets which tasks are held by nobody, so that they are found again with what is now known."""
        self._orphans = None

    def state_of(self, number: int) -> State:
        """See ``SweepState.state_of``."""
        task = self._fold.tasks.get(number)
        if task is None:
            return "pending"
        if task.state == "queued":
            return self._state_of_queued(number)
        if task.state not in ("running", "lost"):
            return task.state
        job = self._fold.jobs.word_on(number)
        waits = job is not None and job.phase == "waiting"
        if task.is_given_up:
            return "queued" if waits and self._has_left(task.worker) else "lost"
        if ended := self._fold.ended_job(number):
            return ended.state
        if task.state == "lost" or self.death_of(task.worker):
            return "lost" if job is None else "queued" if waits else "running"
        return "queued" if waits and self._is_silent(task.worker) else "running"

    def _state_of_queued(self, number: int) -> State:
        if number not in self._orphaned():
            return "queued"
        ended = self._fold.ended_job(number)
        if ended is None:
            return "pending"
        is_refused = ended.state == "failed" and ended.reason == "launch"  # and would be again
        return ended.state if ended.state == "cancelled" or is_refused else "pending"

    def _orphaned(self) -> set[int]:
        """Returns queued tasks that nothing will start, as every holder is dead or gone."""
        if self._orphans is None:
            tasks = self._fold.tasks.items()
            queued = {(number, task.attempt) for number, task in tasks if task.state == "queued"}
            found = unheld(self._fold, self.death_of, queued) if queued else ()
            self._orphans = {number for number, _ in found}
        return self._orphans

    # why

    def end_of(self, number: int) -> End | None:
        """Returns how a task ended: its worker's own word, or what its scheduler said where that says more."""
        task = self._fold.tasks.get(number)
        if task is None:
            return None
        job = self._job_that_tells(number)
        if job is None:
            return task.end
        return End(number, task.attempt, job.state, job.reason, job.evidence)

    def evidence_of(self, number: int) -> str:
        """Says why a task is called lost."""
        task = self._fold.tasks[number]
        if job := self._job_that_tells(number):
            return job.evidence
        return task.last.evidence if isinstance(task.last, Lost) else self.death_of(task.worker) or ""

    def _job_that_tells(self, number: int) -> JobWord | None:
        """Returns the end of a task's job, where that tells more than its worker did."""
        task = self._fold.tasks[number]
        ended = self._fold.ended_job(number) if task.state in ("queued", "running", "lost") else None
        if ended is None or task.is_given_up or (ended.reason == "unknown" and task.state == "lost" and task.last):
            return None
        return ended

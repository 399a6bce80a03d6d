"""Tells which job of a scheduler holds a task, and what is known of that job."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hsm_core.model import ProcessIdentity, Reason, Span, State
from hsm_core.parsing import path_inside

from ..events import Submit
from ..layout import SweepPaths
from ..submission import order_of

_FACT = r"\{(id|token|index|number)\}"
#: A task and its attempt.
Pair = tuple[int, int]
#: A submission's name and the number of a batch in it: in a batch queue that is one job, or one array element.
Key = tuple[str, int]

#: How the evidence of a job's end begins where a line of its set-up failed.
SETUP_FAILED = "a set-up line failed"
#: of one that a line ended itself
SETUP_ENDED = "a set-up line ended the job"
#: of a job whose shell or interpreter could not start ours
NO_WORKER = "the job could not start its worker"
#: How that of a worker's end on another machine ends where its lease ran out: the machine was away, or the launcher
STAYED_AWAY, ENDED_ITSELF = "and has ended its tasks itself by now", "of the launcher, and ended its tasks"
#: of a job that its scheduler took out of its queue: the task has had no chance yet
NEVER_BEGAN = "before it started"


@dataclass(frozen=True)
class JobWord:
    """A scheduler's last word on a job.

    Args:
        state, reason, evidence: of an ended one: what it means for tasks whose worker left no word.
        node: where it ran, as far as it is known.
    """

    phase: Literal["waiting", "running", "ended"]
    state: State = "lost"
    reason: Reason = "unknown"
    evidence: str = ""
    why: str = ""
    node: str = ""


@dataclass(eq=False)
class SubmissionState:
    """A submission and what became of it.

    Attributes:
        name: ``launch-0/submit-1``.
        is_pooled: no scheduler has it, but the workers of a pool.
        by: the conductor that made it.
        native_id: its scheduler's id, or its worker's name; empty until it is known to be accepted.
        job: the local process that it was given to.
        is_void: it was refused or withdrawn, and nothing of it will run.
    """

    name: str
    token: str
    tasks: tuple[Span, ...]
    source: str
    each: int
    at_once: int | None
    at: float
    logs: tuple[str, ...]
    by: str
    is_pooled: bool = False
    native_id: str = ""
    job: ProcessIdentity | None = None
    is_void: bool = False

    @classmethod
    def of(cls, event: Submit, by: str, *, is_pooled: bool) -> SubmissionState:
        return cls(
            event.submission, event.token, event.tasks, event.source, event.each, event.at_once, event.at,
            event.logs, by, is_pooled,
        )  # fmt: skip

    @property
    def is_one_job(self) -> bool:
        """True if it consists of one batch: a plain job, or an array of one element."""
        return not self.each or sum(span.count for span in self.tasks) <= self.each

    def batches(self) -> Iterator[tuple[Key, Pair]]:
        """Yields its (task, attempt) pairs, each with the batch that it is in."""
        each, position = self.each, 0
        for span in self.tasks:
            for pair in span:
                yield (self.name, position // each if each else 0), pair
                position += 1

    def pairs_of(self, batch: int) -> Iterator[Pair]:
        """Yields the (task, attempt) pairs of one batch."""
        first, last = (batch * self.each, (batch + 1) * self.each) if self.each else (0, None)
        position = 0
        for span in self.tasks:
            skipped = max(0, first - position)
            end = span.count if last is None else min(span.count, last - position)
            yield from ((span.first + number, span.attempt) for number in range(skipped, end))
            position += span.count


class Jobs:
    """The submissions to schedulers, by the batches that they consist of."""

    def __init__(self) -> None:
        self._queued: list[SubmissionState] = []
        self._pooled: list[SubmissionState] = []
        self._given: dict[int, tuple[Key, int]] | None = None
        self.words: Mapping[Key, JobWord] = {}

    def __bool__(self) -> bool:
        return bool(self._queued)

    def add(self, submission: SubmissionState) -> None:
        """Notes a submission, which learns of its native id later."""
        (self._pooled if submission.is_pooled else self._queued).append(submission)
        self._given = None

    def submissions(self) -> list[SubmissionState]:
        """Returns those to schedulers that were not refused, in the order in which they were made."""
        accepted = [submission for submission in self._queued if not submission.is_void]
        return sorted(accepted, key=lambda submission: order_of(submission.name))

    def of_pool(self, source: str) -> list[SubmissionState]:
        """Returns those to workers of a pool that were accepted."""
        return [one for one in self._pooled if one.source == source and one.native_id and not one.is_void]

    def key_of(self, task: int) -> Key | None:
        """Returns the batch of a scheduler's job that holds a task; None if its newest submission went elsewhere."""
        given = self._newest().get(task)
        return given[0] if given else None

    def attempt_given(self, task: int) -> int | None:
        """Returns the attempt that was given to the scheduler's job that holds a task."""
        given = self._newest().get(task)
        return given[1] if given else None

    def _newest(self) -> dict[int, tuple[Key, int]]:
        if self._given is None:
            self._given = self._find_newest() if self._queued else {}
        return self._given

    def _find_newest(self) -> dict[int, tuple[Key, int]]:
        accepted = [submission for submission in (*self._queued, *self._pooled) if not submission.is_void]
        newest = {
            pair[0]: (submission, key, pair[1])
            for submission in sorted(accepted, key=lambda submission: order_of(submission.name))
            for key, pair in submission.batches()
        }
        return {task: given[1:] for task, given in newest.items() if not given[0].is_pooled}

    def word_on(self, task: int) -> JobWord | None:
        """Returns the word on the job that holds a task; None if there is none, or no scheduler's job does."""
        if not self._queued:
            return None
        key = self.key_of(task)
        return None if key is None else self.words.get(key)

    def forget_keys(self) -> None:
        """Notes that a submission was refused: its tasks are held by an earlier one, or by none."""
        self._given = None


def job_logs(paths: SweepPaths, submission: SubmissionState, batch: int) -> Iterator[Path]:
    """Yields the paths where a job's log may be, the likeliest first; not all of them exist.

    The scheduler's names for them stand in the event: ``{id}`` is the native id of the job, or of the array as a
    whole, ``{token}`` the job's name, ``{index}`` the element's number from 0 on, ``{number}`` that from 1 on.

    Args:
        batch: the element of the array; 0 of a plain job.
    """
    facts = {"id": submission.native_id, "token": submission.token, "index": str(batch), "number": str(batch + 1)}
    for name in submission.logs:
        with suppress(ValueError):
            yield paths.logs / path_inside(re.sub(_FACT, lambda found: facts[found[1]], name))

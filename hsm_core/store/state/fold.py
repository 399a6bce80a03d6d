"""Adds up the events read so far into the state of tasks, writers, submissions and jobs.

Within an attempt the stronger word wins, whatever the order of reading:
queued < running < lost < cancelled < failed < completed.
A later attempt beats an earlier one from the moment its submission is written down (that is the fence).
Clocks decide nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from hsm_core.model import Span, State

from .. import events
from ..event_codec import Event, OtherFormat
from ..record import SourceRecord, require_format
from ..submission import order_of
from .jobs import Jobs, JobWord, Pair, SubmissionState
from .line_scan import END_STATES, parsed
from .reader import News
from .task_state import TaskState, WriterState

_RANK = {"queued": 0, "running": 1, "lost": 2, "cancelled": 3, "failed": 4, "completed": 5}
#: (task, attempt) pairs that all lines of a sweep together may name, in all and for each task: a line of fifty bytes
#: can name a million, and each of them costs time and memory.
_MOST_PAIRS, _MOST_NAMED = 500_000, 100
_SAID: dict[bytes, State] = {
    b"": "running", b"completed": "completed", b"failed": "failed", b"cancelled": "cancelled",
}  # fmt: skip


class Fold:
    """Adds up what the events say, whether or not their writers are alive.

    Args:
        whose: the sweep, for messages.
        sources: those that its record names.
        has: whether it has a task of this number.

    Attributes:
        bad_lines: lines that name tasks which the sweep does not have, or too many; they are not believed.
        sources: where tasks may go, by name.
        tasks: by number; a task that nobody spoke of is not among them.
        writers: workers and conductors, by the names of their journals.
        submissions: with what became of them, in the order of reading.
        refusals: by submission, what schedulers refused for good.
        gone: attempts of which a conductor wrote down that their job has ended, and that event.
    """

    def __init__(
        self, whose: str, sources: Iterable[SourceRecord], has: Callable[[int], bool] = lambda task: True
    ) -> None:
        self._whose, self._has = whose, has
        self._pairs = 0
        self.bad_lines = 0
        self.sources = {source.name: source for source in sources}
        self.tasks: dict[int, TaskState] = {}
        self.writers: dict[str, WriterState] = {}
        self.submissions: list[SubmissionState] = []
        self.jobs = Jobs()
        self.gone: dict[Pair, events.Gone] = {}
        self.refusals: dict[str, events.Refusal] = {}
        self.standings: dict[str, events.SourceStanding] = {}

    def take(self, news: News) -> None:
        """Takes in what one writer wrote.

        Raises:
            StoreError: the writer speaks another format.
        """
        writer = self.writers.get(news.writer)
        if writer is None:
            writer = self.writers[news.writer] = WriterState(news.writer)
        last: Event | bytes | None = None
        add_word = self._add_word
        for line, end, task, attempt, state in news.lines:
            if task and bool(end) == bool(state):
                last = line
                add_word(writer, int(task), int(attempt), _SAID[state], line)
            elif event := news.parse(line):
                last = event
                self._add(writer, event)
        at = parsed(last)
        writer.last_at = at.at if at and at.at else writer.last_at
        writer.sealed = news.is_sealed
        writer.heard_at = news.heard_at(writer.last_at)

    def _add(self, writer: WriterState, event: Event) -> None:
        if isinstance(event, (events.Submit, events.Claimed, events.Gone)) and not self._may_say(event.tasks):
            self.bad_lines += 1
            return
        match event:
            case events.Start():
                self._add_word(writer, event.task, event.attempt, "running", event)
            case events.End() if event.state in END_STATES:
                self._add_word(writer, event.task, event.attempt, event.state, event)
            case events.Lost():
                self._raise(event.task, event.attempt, "lost", event)
            case events.Cancel():
                self._raise(event.task, event.attempt, "cancelled", event)
            case events.Submit() | events.HandedOver() | events.Refusal() | events.Withdrawn():
                self._add_to_submissions(writer, event)
            case events.Gone():
                self.gone.update((pair, event) for span in event.tasks for pair in span)
            case events.SourceAdded():
                self.sources[event.name] = SourceRecord.of(event.name, event.kind, event.host, event.settings)
            case OtherFormat():
                whose = f"{writer.name} of {self._whose}"
                require_format(event.format, whose, "hsm doctor    # also where the workers ran")
            case events.SourceStanding():
                self.standings[event.name] = event
            case _:
                self._add_to_writer(writer, event)

    def _may_say(self, tasks: Iterable[Span]) -> bool:
        """Returns whether the sweep has all these tasks, and whether they have not been named beyond all measure."""
        found = list(tasks)
        if not all(self._has(span.first + span.count - 1) for span in found):
            return False
        count = sum(span.count for span in found)
        most = max((span.first + span.count for span in found), default=0)
        if self._pairs + count > _MOST_PAIRS + _MOST_NAMED * max(most, len(self.tasks)):
            return False
        self._pairs += count
        return True

    def _is_pool(self, source: str) -> bool:
        """Of one that nobody described nothing proves that its jobs are dead: as of a queue."""
        return source in self.sources and self.sources[source].kind == "pool"

    def _add_to_writer(self, writer: WriterState, event: Event) -> None:
        """Takes in what a worker or a conductor says of itself."""
        match event:
            case events.WorkerHead() | events.ConductorHead():
                writer.head = event
            case events.Claimed():
                submission = event.batch.rpartition("/")[0]
                writer.claimed += [(submission, span) for span in event.tasks]
                self._queue(span for span in event.tasks if span.attempt > 1)  # a job that runs again
            case events.Ready():
                if writer.ready is None or event.against_forks:  # only the first of its importers may say that
                    writer.ready = event
            case events.Broken():
                writer.broken = event
            case events.Trouble():
                writer.trouble = event.message
            case events.Waits():
                writer.waits = event.message

    def _add_to_submissions(
        self, writer: WriterState, event: events.Submit | events.HandedOver | events.Refusal | events.Withdrawn
    ) -> None:
        if isinstance(event, events.Submit):
            self._queue(event.tasks)
            submission = SubmissionState.of(event, writer.name, is_pooled=self._is_pool(event.source))
            self.submissions.append(submission)
            self.jobs.add(submission)
            return
        for submission in self.submissions:
            if submission.name == event.submission:
                if isinstance(event, events.HandedOver):
                    submission.native_id, submission.job = event.native_id, event.job
                else:
                    submission.is_void = True
        if isinstance(event, events.HandedOver):
            writer.waits = ""
            return
        self.jobs.forget_keys()
        if isinstance(event, events.Refusal):
            self.refusals[event.submission] = event

    def _add_word(
        self, writer: WriterState, number: int, attempt: int, state: State, line: Event | bytes
    ) -> None:
        """Takes in a worker's own word about a task: a start (``running``) or an end."""
        task = self._raise(number, attempt, state, line)
        if state != "running":
            writer.ends.append(line)
            if task and not task.worker:
                task.worker = writer.name
        elif task:
            task.begun_line, task.worker = line, writer.name

    def _raise(self, number: int, attempt: int, state: State, line: Event | bytes) -> TaskState | None:
        """Takes a stronger word; returns the task if the line is of its newest attempt."""
        task = self.tasks.get(number)
        if task is None and not self._has(number):
            self.bad_lines += 1
        elif task is None or attempt > task.attempt:
            self.tasks[number] = task = TaskState(attempt, state, line)
        elif attempt < task.attempt:
            return None
        elif _RANK[state] > _RANK[task.state]:
            task.state, task.last_line = state, line
        return task

    def _queue(self, found: Iterable[Span]) -> None:
        for span in found:
            for number, attempt in span:
                task = self.tasks.get(number)
                if task is None or attempt > task.attempt:
                    self.tasks[number] = TaskState(attempt, "queued")

    # what follows from several lines

    def workers(self) -> Iterator[WriterState]:
        """Yields those whose first line says that they are workers."""
        return (writer for writer in self.writers.values() if writer.as_worker is not None)

    def worker_of(self, number: int) -> events.WorkerHead | None:
        """Returns the first line of the worker that began a task's newest attempt; None if none did."""
        task = self.tasks.get(number)
        writer = self.writers.get(task.worker) if task else None
        return writer.as_worker if writer else None

    def is_given_up(self, pair: Pair) -> bool:
        """Tells whether it is written down that the job of an attempt has ended without its worker's word."""
        return pair in self.gone

    def ended_job(self, number: int) -> JobWord | None:
        """Returns the end of the job that held a task, as a conductor wrote it down or a scheduler just said."""
        written = self.gone.get((number, self.tasks[number].attempt)) if self.gone else None
        if written is not None:
            return JobWord("ended", written.state, written.reason, written.evidence, node=written.node)
        word = self.word_on(number)
        return word if word is not None and word.phase == "ended" else None

    def word_on(self, number: int) -> JobWord | None:
        """Returns the word on the job that holds a task's newest attempt.

        Where a source refused that attempt, the job that held an earlier one says nothing about it.
        """
        word, task = self.jobs.word_on(number), self.tasks.get(number)
        if word is None or task is None or task.state != "queued" or self.jobs.attempt_given(number) == task.attempt:
            return word
        wanted = (number, task.attempt)
        is_claimed = any(wanted in span for one in self.workers() for _, span in one.claimed)  # by a job's next run
        return word if is_claimed else None

    def has_refused(self, source: str) -> bool:
        """Tells whether a source has refused something for good, and was given nothing since."""
        refused = [order_of(name) for name, refusal in self.refusals.items() if refusal.source == source]
        given = (order_of(one.name) for one in self.submissions if one.source == source and one.native_id)
        return bool(refused) and max(refused) > max(given, default=())

    def refusal(self) -> events.Refusal | None:
        """Returns the scheduler's no to the newest submission, unless something was accepted since."""
        if not self.refusals:
            return None
        newest = max(self.refusals, key=order_of)
        accepted = (order_of(submission.name) for submission in self.submissions if submission.native_id)
        return None if max(accepted, default=()) > order_of(newest) else self.refusals[newest]

"""The fold: what the events that were read so far say of tasks, writers, submissions and jobs.

Within an attempt the stronger word wins, whatever the order of reading:
queued < running < lost < cancelled < failed < completed.
A later attempt beats an earlier one from the moment its submission is written down (that is the fence).
Clocks decide nothing.
"""

from __future__ import annotations

from hsm_core.model import Span, State

from ..record import require_format
from .event_scan import Line
from .jobs import Jobs
from .task_state import TaskState, WriterState

Pair = tuple[int, int]

_RANK = {"queued": 0, "running": 1, "lost": 2, "cancelled": 3, "failed": 4, "completed": 5}
_WORDS: dict[str, State] = {"completed": "completed", "failed": "failed", "cancelled": "cancelled"}


class Fold:
    """What the lines add up to, whoever lives.

    Args:
        whose: of what sweep, for messages.

    Attributes:
        tasks: by number; a task that nobody spoke of is not among them.
        submissions: with what became of them, in the order of reading.
        refusals: by submission, what schedulers refused for good.
        gone: attempts (task, attempt) of which a conductor wrote down that their job has ended, and that line.
    """

    def __init__(self, whose: str) -> None:
        self._whose = whose
        self.tasks: dict[int, TaskState] = {}
        self.submissions: list[Line] = []
        self.jobs = Jobs()
        self.gone: dict[Pair, Line] = {}
        self.refusals: dict[str, Line] = {}

    def add(self, writer: WriterState, event: Line) -> None:
        """Take in any line.

        Raises:
            KeyError, TypeError, ValueError: it is damaged.
            StoreError: its writer speaks another format.
        """
        kind = event["e"]
        if kind == "start":
            self.add_word(writer, int(event["t"]), int(event["a"]), "running", event)
        elif kind == "end":
            self.add_word(writer, int(event["t"]), int(event["a"]), _WORDS[event["state"]], event)
        elif kind == "lost":
            self._raise(int(event["t"]), int(event["a"]), "lost", event)
        elif kind == "cancel":
            self._raise(int(event["t"]), int(event["a"]), "cancelled", event)
        elif kind == "submit":
            self._queue(event["tasks"])
            line = {**event, "by": writer.name}
            self.submissions.append(line)
            self.jobs.add(line)
        elif kind == "waits":
            writer.waits = event["message"]
        elif kind == "handed":
            writer.waits = ""
            self._note_submission(event, native_id=event["native_id"], job=event["job"])
        elif kind in ("refused", "withdrawn"):
            self._note_submission(event, refused=event["message"])
            self.jobs.forget_keys()
            if kind == "refused":
                self.refusals[event["submission"]] = event
        elif kind == "gone":
            self._note_gone(event)
        elif kind in ("worker", "conductor"):
            require_format(event, f"{writer.name} of {self._whose}", "hsm doctor    # also where the workers ran")
            writer.head = event
        elif kind == "claim":
            submission = str(event["batch"]).rpartition("/")[0]
            writer.claimed += [(submission, Span(*span)) for span in event["tasks"]]
            self._queue([span for span in event["tasks"] if span[2] > 1])  # a job that runs again
        elif kind == "ready":
            writer.ready = event
        elif kind == "broken":
            writer.broken = event
        elif kind == "trouble":
            writer.trouble = event["message"]

    def add_word(
        self, writer: WriterState, number: int, attempt: int, state: State, line: Line | bytes
    ) -> None:
        """A worker's own word about a task: a start (``running``) or an end."""
        task = self._raise(number, attempt, state, line)
        if state != "running":
            writer.ends.append(line)
            if task and not task.worker:
                task.worker = writer.name
        elif task:
            task.begun_line, task.worker = line, writer.name

    def _raise(self, number: int, attempt: int, state: State, line: Line | bytes) -> TaskState | None:
        """Take a stronger word; returns the task if the line is of its newest attempt."""
        task = self.tasks.get(number)
        if task is None or attempt > task.attempt:
            self.tasks[number] = task = TaskState(attempt, state, line)
        elif attempt < task.attempt:
            return None
        elif _RANK[state] > _RANK[task.state]:
            task.state, task.last_line = state, line
        return task

    def _queue(self, found: list[list[int]]) -> None:
        for first, count, attempt in found:
            for number in range(first, first + count):
                task = self.tasks.get(number)
                if task is None or attempt > task.attempt:
                    self.tasks[number] = TaskState(attempt, "queued")

    def _note_submission(self, event: Line, **facts: object) -> None:
        for line in self.submissions:
            if line["submission"] == event["submission"]:
                line.update(facts)

    def _note_gone(self, event: Line) -> None:
        for span in event["tasks"]:
            self.gone.update(dict.fromkeys(Span(*span), event))

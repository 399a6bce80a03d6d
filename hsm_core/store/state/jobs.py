"""Which job of a scheduler holds a task, and what is known of that job now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hsm_core.model import Reason, Span, State

Line = dict[str, Any]
#: A submission's name and the number of a batch in it: in a batch queue that is one job, or one array element.
Key = tuple[str, int]


@dataclass(frozen=True)
class JobWord:
    """What a scheduler said of a job when it was last asked.

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


class Jobs:
    """The submissions to schedulers, by the batches that they consist of."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._local: list[Line] = []
        self._given: dict[int, tuple[Key, int]] | None = None
        self.words: Mapping[Key, JobWord] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, submission: Line) -> None:
        """Note a submission: its ``submit`` line, which learns of its native id later."""
        (self._local if submission["backend"] == "local" else self._lines).append(submission)
        self._given = None

    def submissions(self) -> list[Line]:
        """Those to schedulers that were not refused, in the order in which they were made."""
        accepted = [line for line in self._lines if not line.get("refused")]
        return sorted(accepted, key=lambda line: order_of(line["submission"]))

    def key_of(self, task: int) -> Key | None:
        """The batch of a scheduler's job that holds a task; None if its newest submission went elsewhere."""
        given = self._newest().get(task)
        return given[0] if given else None

    def attempt_given(self, task: int) -> int | None:
        """The attempt that was given to the scheduler's job that holds a task."""
        given = self._newest().get(task)
        return given[1] if given else None

    def _newest(self) -> dict[int, tuple[Key, int]]:
        if self._given is None:
            self._given = self._find_newest() if self._lines else {}
        return self._given

    def _find_newest(self) -> dict[int, tuple[Key, int]]:
        accepted = [line for line in (*self._lines, *self._local) if not line.get("refused")]
        newest = {
            pair[0]: (line, key, pair[1])
            for line in sorted(accepted, key=lambda line: order_of(line["submission"]))
            for key, pair in batches_of(line)
        }
        return {task: given[1:] for task, given in newest.items() if given[0]["backend"] != "local"}

    def word_on(self, task: int) -> JobWord | None:
        """What was said of the job that holds a task; None if nothing, or if no scheduler's job does."""
        if not self._lines:
            return None
        key = self.key_of(task)
        return None if key is None else self.words.get(key)

    def forget_keys(self) -> None:
        """A submission was refused: what it held is held by an earlier one, or by none."""
        self._given = None


def order_of(submission: str) -> tuple[int, int, int]:
    """Submissions in the order in which they were made; ``launch-0-1`` is a resume of all launches before."""
    launch, _, number = submission.partition("/")
    _, first, again = (launch + "-0").split("-")[:3]
    return int(again), int(first), int(number.rpartition("-")[2])


def batches_of(submission: Line) -> Iterator[tuple[Key, tuple[int, int]]]:
    """The (task, attempt) pairs of a ``submit`` line, each with the batch that it is in."""
    each, position = submission.get("each") or 0, 0
    for span in submission["tasks"]:
        for pair in Span(*span):
            yield (submission["submission"], position // each if each else 0), pair
            position += 1


def pairs_of(submission: Line, batch: int) -> Iterator[tuple[int, int]]:
    """The (task, attempt) pairs of one batch of a ``submit`` line."""
    each = submission.get("each") or 0
    first, last = (batch * each, (batch + 1) * each) if each else (0, None)
    position = 0
    for span in submission["tasks"]:
        skipped, end = max(0, first - position), span[1] if last is None else min(span[1], last - position)
        yield from ((span[0] + n, span[2]) for n in range(skipped, end))
        position += span[1]


def is_one_job(submission: Line) -> bool:
    """Whether it consists of one batch: a plain job, or an array of one element."""
    each = submission.get("each") or 0
    return not each or sum(span[1] for span in submission["tasks"]) <= each

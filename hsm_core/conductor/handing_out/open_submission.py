"""A submission that is written down and not yet known to be accepted: what its source was asked, and doubts."""

from __future__ import annotations

import time
from dataclasses import dataclass

from hsm_core.errors import BackendError, LimitReached, NoAnswer, NoId, Unexplained
from hsm_core.sources.interface import Handed, Portion, Source
from hsm_core.sources.source_thread import Answer, Calls
from hsm_core.store.submission import Submission
from hsm_core.views.text import clean

#: Seconds after the end of its command, after which a submission that nobody knows is certainly not accepted.
DOUBT_S = 5.0
#: How often what is refused in unknown words is submitted, each time only once nobody knows a job of its name.
TRIES = 3


@dataclass
class OpenSubmission:
    """The newest submission of a source.

    Attributes:
        answer: of the source, which is just asked to take it, or whether it has.
        asked_at: when.
        doubt: why nobody knows whether it was accepted.
        doubted_at: since when.
        limit: what seems to have refused it; whether it was accepted all the same, is looked for.
        are_ours: its batches were claimed, so that no job of it that shows up later runs them; whether all were free.
        tries: how often it was submitted.
    """

    submission: Submission
    portion: Portion
    answer: Answer[Handed | None] | None = None
    asked_at: float = 0.0
    doubt: NoAnswer | None = None
    doubted_at: float = 0.0
    limit: LimitReached | None = None
    are_ours: bool | None = None
    tries: int = 0

    @property
    def is_in_doubt(self) -> bool:
        """Whether nobody knows if it was accepted."""
        return any((self.doubt, self.limit, self.answer))

    @property
    def is_asked(self) -> bool:
        """Whether the source has not answered yet."""
        return self.answer is not None and not self.answer.is_there

    def ask(self, source: Source, calls: Calls) -> None:
        """Has the source take it; in doubt, look for it."""
        self.asked_at = time.monotonic()
        if self.doubt is not None or self.limit is not None:
            self.answer = calls.ask(lambda: source.find(self.submission.token))
            return
        self.doubted_at = 0.0
        self.tries += 1
        self.answer = calls.ask(lambda: source.submit(self.submission, self.portion))

    def doubt_it(self, error: NoAnswer) -> None:
        """Nobody knows whether it was accepted."""
        self.doubt, self.doubted_at, self.limit = self.doubt or error, self.doubted_at or time.monotonic(), None

    def may_show_up(self) -> bool:
        """Whether it was looked for too early: a job of it may still become known."""
        return self.asked_at - self.doubted_at < DOUBT_S

    def refusal(self) -> BackendError | None:
        """Returns the error that it stands for, once its source knows no such job and would not accept it later."""
        doubt = self.doubt
        if doubt is None or not (isinstance(doubt, NoId) or (isinstance(doubt, Unexplained) and self.tries >= TRIES)):
            return None
        tries = f" {self.tries} times" if self.tries > 1 else ""
        problem = f"{doubt.problem}{tries}, and the scheduler knows no such job"
        return BackendError(problem, evidence=doubt.evidence, fix=doubt.fix, field=doubt.field, choices=doubt.choices)


def shortly(error: BackendError) -> str:
    """Returns an error on one line."""
    return clean(f"{error.problem} ({error.evidence})" if error.evidence else error.problem)

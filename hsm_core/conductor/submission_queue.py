"""What is still to be handed over: waits for room, and clears up doubts about what was accepted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hsm_core.errors import BackendError, LimitReached, NoAnswer, NoId, NotNow, Unexplained
from hsm_core.model import counted, spans
from hsm_core.sources.interface import Handed, Pair, Portion, Source
from hsm_core.sources.snapshot import snapshot_of
from hsm_core.store import events
from hsm_core.store.event_codec import Event
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import LaunchPaths
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import Submission, next_name, write_submission
from hsm_core.views.failures.refusals import another_try

from .takeover import seize_batches

#: Seconds between tries: the first pause, the longest one.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
#: Seconds after the end of its command, after which a submission that nobody knows was certainly not accepted.
DOUBT_S = 5.0
#: How often what is refused in unknown words is submitted, each time only once nobody knows a job of its name.
TRIES = 3


@dataclass
class _Open:
    """A submission that is written down and not yet handed over."""

    submission: Submission
    portion: Portion
    doubt: NoAnswer | None = None
    doubted_at: float = 0.0
    tries: int = 0


class Outbox:
    """Hands pairs over, portion by portion.

    Args:
        journal: the conductor's.
        say: prints a line for the user.
        name: the conductor's.
    """

    def __init__(
        self, state: SweepState, source: Source, journal: JournalWriter, launch: LaunchPaths,
        payload: LaunchPaths, say: Callable[[str], None], name: str,
    ) -> None:  # fmt: skip
        self._state, self._source, self._journal = state, source, journal
        self._launch, self._payload, self._say, self._name = launch, payload, say, name
        self._waiting: list[Pair] = []
        self._open: _Open | None = None
        self._pause_s, self._next_at, self._waited_at = FIRST_PAUSE_S, float("-inf"), float("-inf")
        self._told = ""
        self._is_stopped = False

    def __bool__(self) -> bool:
        return bool(self._waiting or self._open)

    @property
    def tasks(self) -> set[int]:
        """Those that wait."""
        return {number for number, _ in self._waiting}

    def push(self, pairs: Sequence[Pair]) -> None:
        """Have more handed over."""
        self._waiting += pairs

    def drop(self, tasks: set[int] | None = None) -> list[Pair]:
        """Take what waits out again, all or these tasks; returns it."""
        dropped = [pair for pair in self._waiting if tasks is None or pair[0] in tasks]
        self._take_out(dropped)
        return dropped

    def stop(self) -> list[Pair]:
        """Hand over no more; what may have been accepted is still looked for. Returns what waited."""
        self._is_stopped = True
        if self._open is not None and self._open.doubt is None:
            self._withdrawn(self._open, "cancelled before it was submitted")
        return self.drop()

    @property
    def is_in_doubt(self) -> bool:
        """Whether nobody knows if the newest submission was accepted."""
        return self._open is not None and self._open.doubt is not None

    def give_up(self) -> tuple[int, int]:
        """Nobody will be here to hand over what is left; it stays pending.

        Returns:
            how many tasks were surely not accepted, and of how many nobody knows.
        """
        left, unknown = len(self.drop()), 0
        if self._open is not None and self._open.doubt is not None:
            unknown = len(self._open.portion.pairs)
        elif self._open is not None:
            left += len(self._open.portion.pairs)
            self._withdrawn(self._open, "not submitted before its launcher ended")
        return left, unknown

    def _take_out(self, pairs: Sequence[Pair]) -> None:
        out = set(pairs)
        self._waiting = [pair for pair in self._waiting if pair not in out]

    def step(self, *, detached: bool = False) -> bool:
        """Hand over what can be handed over now. True if anything was.

        Raises:
            BackendError: it was refused; it will not be accepted later either.
        """
        handed = False
        while self and time.monotonic() >= self._next_at:
            if self._open is None and not self._write_next(detached):
                break
            handed |= self._try()
        return handed

    def _write_next(self, detached: bool) -> bool:
        """Put the next portion on disk, and the fence that makes its attempts the only ones."""
        try:
            jobs = snapshot_of(self._state, self._source.name)
            portion = self._source.next_portion(self._waiting, jobs, detached=detached)
        except NotNow as error:
            self._wait(_shortly(error))
            return False
        except BackendError as error:
            raise self._refused(next_name(self._launch), error) from error
        name = self._state.record.name
        spec = replace(portion.spec or self._source.spec, resources=portion.resources)
        submission = write_submission(self._launch, name, portion.batches, spec, self._payload.root.name)
        self._source.prepare(submission, portion)
        self._take_out(portion.pairs)
        self._open = _Open(submission, portion)
        self._write(
            events.Submit(
                submission.name, submission.token, spans(list(portion.pairs)), self._source.name,
                each=portion.each, at_once=portion.at_once, logs=self._source.logs,
            )
        )  # fmt: skip
        return True

    def _try(self) -> bool:
        assert self._open is not None
        opened = self._open
        try:
            handed = self._clear_up(opened, opened.doubt) if opened.doubt else self._submit(opened)
        except LimitReached as error:
            handed = self._withdraw(opened, error)
        except NotNow as error:
            self._wait(_shortly(error))
            return False
        except NoAnswer as error:
            self._doubt(opened, error)
            return False
        except BackendError as error:
            self._open = None
            raise self._refused(opened.submission.name, error) from error
        if handed is None:
            if self._open is not None:
                self._wait("")
            return False
        self._note(opened, handed)
        return True

    def _doubt(self, opened: _Open, error: NoAnswer) -> None:
        opened.doubt, opened.doubted_at = opened.doubt or error, opened.doubted_at or time.monotonic()
        self._wait(_shortly(error))

    def _submit(self, opened: _Open) -> Handed:
        opened.doubted_at = 0.0
        opened.tries += 1
        return self._source.submit(opened.submission, opened.portion)

    def _clear_up(self, opened: _Open, doubt: NoAnswer) -> Handed | None:
        """Find what may have been accepted; what surely was not, is submitted again: the same, once more."""
        handed = self._source.find(opened.submission.token)
        if handed is not None or time.monotonic() - opened.doubted_at < DOUBT_S:
            return handed
        if self._is_stopped:
            self._withdrawn(opened, "cancelled, and the scheduler does not know it")
            return None
        if isinstance(doubt, NoId) or (isinstance(doubt, Unexplained) and opened.tries >= TRIES):
            tries = f" {opened.tries} times" if opened.tries > 1 else ""
            problem = f"{doubt.problem}{tries}, and the scheduler knows no such job"
            raise BackendError(
                problem, evidence=doubt.evidence, fix=doubt.fix, field=doubt.field, choices=doubt.choices
            )
        opened.doubt = None
        return self._submit(opened)

    def _note(self, opened: _Open, handed: Handed) -> None:
        if opened.portion.remark:
            self._say(opened.portion.remark)
        if opened.doubt:
            self._say(f"{self._source.name} accepted it as job {handed.native_id}")
        self._write(events.HandedOver(opened.submission.name, handed.native_id, handed.job))
        self._open, self._pause_s, self._next_at, self._told = None, FIRST_PAUSE_S, float("-inf"), ""
        self._state.refresh()  # what was handed over counts when the next portion is measured

    def _withdraw(self, opened: _Open, error: BackendError) -> Handed | None:
        """Too much at once: divided anew, as nothing of it was accepted; what can't be divided waits.

        Returns:
            the job if it was accepted all the same: an earlier try of a site's wrapper may have used up the limit.
        """
        try:
            handed = self._source.find(opened.submission.token) or self._take_back(opened.submission)
        except NoAnswer as unknown:
            self._doubt(opened, unknown)
            return None
        if handed is not None:
            return handed
        self._withdrawn(opened, error.problem)
        self._waiting = [*opened.portion.pairs, *self._waiting]
        if len(opened.submission.batches) == 1:
            self._wait(_shortly(error))
        return None

    def _take_back(self, submission: Submission) -> Handed | None:
        """Claims its batches, so that no job of it that shows up later runs them; returns a job that was faster.

        Raises:
            NoAnswer: there is one, or may be, and the scheduler does not name it.
        """
        are_ours = seize_batches(self._state.paths, submission, self._name)
        handed = self._source.find(submission.token)
        if handed is None and not are_ours:
            raise NoAnswer("a worker of it has begun, but the scheduler does not name its job")
        return handed

    def _withdrawn(self, opened: _Open, why: str) -> None:
        self._write(events.Withdrawn(opened.submission.name, why))
        self._open = None

    def _refused(self, name: str, error: BackendError) -> BackendError:
        """Write it down, so that it is known until something is accepted; the error says how to change it."""
        refusal = events.Refusal(
            name, error.problem, error.evidence, error.fix, error.field, tuple(error.choices)
        )
        self._write(refusal)
        fix = another_try(self._state.record, refusal) if error.field else error.fix
        return type(error)(error.problem, evidence=error.evidence, fix=fix, field=error.field, choices=error.choices)

    def _wait(self, why: str) -> None:
        self._waited_at = time.monotonic()
        self._next_at = self._waited_at + self._pause_s
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 1.5)
        if why and why != self._told:
            self._told = why
            left = len(self._waiting) + (len(self._open.portion.pairs) if self._open else 0)
            told = f"{counted(left, 'task', 'waits', 'wait')} to be submitted: {why}"
            self._say(told)
            self._write(events.Waits(told))

    def hurry(self) -> None:
        """Something ended, so that there may be room: try soon."""
        if self._waiting and self._open is None:
            self._pause_s = FIRST_PAUSE_S
            self._next_at = min(self._next_at, self._waited_at + FIRST_PAUSE_S)

    def _write(self, event: Event) -> None:
        self._journal.append(event)
        self._journal.sync()


def _shortly(error: BackendError) -> str:
    return f"{error.problem} ({error.evidence})" if error.evidence else error.problem

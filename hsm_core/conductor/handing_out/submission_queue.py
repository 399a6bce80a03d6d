"""Holds what one source is still to be given: waits for room, and clears up doubts about what was accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from hsm_core.errors import BackendError, LimitReached, NoAnswer, NotNow
from hsm_core.model import counted, spans
from hsm_core.sources.interface import Handed, Pair, Portion, Source
from hsm_core.sources.snapshot import snapshot_of
from hsm_core.sources.source_thread import Answer, Calls
from hsm_core.store import events
from hsm_core.store.claims import seize_batches
from hsm_core.store.event_codec import Event
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import LaunchPaths
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import next_name, write_submission
from hsm_core.views.failures.refusals import another_try

from ..pauses import RetryPause
from ..tasks_to_run import may_begin
from .open_submission import OpenSubmission, shortly


class SubmissionQueue:
    """Hands pairs over to a source, portion by portion; whatever may block is done by the source's thread.

    Args:
        calls: of the source.
        journal: the conductor's.
        say: prints a line for the user.
        conductor: its name.
    """

    def __init__(
        self, state: SweepState, source: Source, calls: Calls, journal: JournalWriter, say: Callable[[str], None],
        conductor: str,
    ) -> None:  # fmt: skip
        self._state, self._source, self._calls = state, source, calls
        self._journal, self._say, self._conductor = journal, say, conductor
        self._launch = self._payload = state.paths.launch(0)
        self._waiting: list[Pair] = []
        self._refused_pairs: list[Pair] = []
        self._portion: Answer[Portion] | None = None
        self._open: OpenSubmission | None = None
        self._retry = RetryPause()
        self._told = ""
        self._is_stopped = False

    def __bool__(self) -> bool:
        return bool(self._waiting or self._open)

    @property
    def tasks(self) -> set[int]:
        """Those that wait."""
        return {number for number, _ in self._waiting}

    @property
    def is_in_doubt(self) -> bool:
        """Whether nobody knows if the newest submission was accepted."""
        return self._open is not None and self._open.is_in_doubt

    @property
    def is_submitting(self) -> bool:
        """Whether the source was just asked to take a submission, and has not answered."""
        return self._open is not None and self._open.is_asked

    def set_launch(self, launch: LaunchPaths, payload: LaunchPaths) -> None:
        """From now on submissions are written to a launch, and use the payload of one."""
        self._launch, self._payload = launch, payload

    def push(self, pairs: Sequence[Pair]) -> None:
        """Has more handed over."""
        self._waiting += pairs

    def drop(self, tasks: set[int] | None = None) -> list[Pair]:
        """Takes what waits out again, all or these tasks; returns it."""
        dropped = [pair for pair in self._waiting if tasks is None or pair[0] in tasks]
        self._take_out(dropped)
        return dropped

    def stop(self) -> list[Pair]:
        """Hands over no more; what may have been accepted is still looked for. Returns what waited."""
        self._is_stopped = True
        self._take_back()
        if self._open is not None and not self.is_in_doubt:
            self._withdrawn(self._open, "cancelled before it was submitted")
        return self.drop()

    def hand_back(self, *, for_good: bool = True) -> list[Pair]:
        """Returns, for others, what the source has surely not accepted; ``for_good`` hands over no more."""
        self._is_stopped |= for_good
        self._take_back()
        back, self._refused_pairs = self._refused_pairs, []
        if self._open is not None and not self.is_in_doubt:
            back += self._open.portion.pairs
            self._withdrawn(self._open, "its source was closed, or away, before it was submitted")
        return [*back, *self.drop()]

    def give_up(self) -> tuple[int, int]:
        """Nobody will be here to hand over what is left; it stays pending.

        Returns:
            how many tasks were surely not accepted, and of how many nobody knows.
        """
        self._take_back()
        left, unknown = len(self.drop()), 0
        if self._open is not None and self.is_in_doubt:
            unknown = len(self._open.portion.pairs)
        elif self._open is not None:
            left += len(self._open.portion.pairs)
            self._withdrawn(self._open, "not submitted before its launcher ended")
        return left, unknown

    def _take_back(self) -> None:
        """Hears what the source says of the newest submission; what it was asked and has not begun, it never does."""
        opened = self._open
        if opened is None or opened.answer is None:
            return
        if opened.answer.is_there:
            with suppress(BackendError):  # it is written down
                self._hear(opened, opened.answer)
        elif opened.answer.withdraw():
            opened.answer = None

    def _take_out(self, pairs: Sequence[Pair]) -> None:
        out = set(pairs)
        self._waiting = [pair for pair in self._waiting if pair not in out]

    def step(self, *, detached: bool = False) -> bool:
        """Takes the source's answers, and has handed over what can be handed over now. True if anything was.

        Raises:
            BackendError: it was refused; it will not be accepted later either.
        """
        handed = False
        while self:
            if self._open is not None and self._open.answer is not None:
                if not self._open.answer.is_there:
                    break
                handed |= self._hear(self._open, self._open.answer)
            elif self._open is None and self._portion is not None:
                if not self._portion.is_there:
                    break
                self._write_down(self._portion)
            elif not self._retry.is_over:
                break
            else:
                self._ask(detached)
        return handed

    def _ask(self, detached: bool) -> None:
        source, opened = self._source, self._open
        if opened is None:
            if detached:  # else whoever watches has read what is new
                self._state.refresh()
            waiting, jobs = tuple(self._waiting), snapshot_of(self._state, source.name)
            self._portion = self._calls.ask(lambda: source.next_portion(waiting, jobs, detached=detached))
            return
        opened.ask(source, self._calls)

    def _write_down(self, answer: Answer[Portion]) -> None:
        """Puts the next portion on disk, and the fence that makes its attempts the only ones."""
        self._portion = None
        try:
            portion = answer.take()
        except NotNow as error:
            self._wait(shortly(error))
            return
        except BackendError as error:
            raise self._refused(next_name(self._launch), error) from error
        if not set(portion.pairs) <= set(self._waiting):
            return  # some were dropped since it was measured
        if late := [pair for pair in portion.pairs if not may_begin(self._state, pair)]:
            self._take_out([pair for pair in late if self._state.state_of(pair[0]) == "completed"])
            self._retry.begin()  # the files of the others are on their way
            return
        name = self._state.record.name
        spec = replace(portion.spec or self._source.spec, resources=portion.resources)
        submission = write_submission(self._launch, name, portion.batches, spec, self._payload.root.name)
        self._source.prepare(submission, portion)
        self._take_out(portion.pairs)
        self._open = OpenSubmission(submission, portion)
        self._write(
            events.Submit(
                submission.name, submission.token, spans(list(portion.pairs)), self._source.name,
                each=portion.each, at_once=portion.at_once, logs=self._source.logs,
            )
        )  # fmt: skip

    def _hear(self, opened: OpenSubmission, answer: Answer[Handed | None]) -> bool:
        """Takes what the source said of the newest submission. True if that was accepted."""
        opened.answer = None
        try:
            handed = answer.take()
            if handed is not None:
                self._note(opened, handed)
            elif opened.limit is not None:
                self._refuse_by_limit(opened, opened.limit)
            else:
                self._doubt_on(opened)
            return handed is not None
        except LimitReached as error:
            opened.limit = error
        except NotNow as error:
            if self._is_stopped:
                self._withdrawn(opened, "cancelled before it was submitted")
            else:
                self._wait(shortly(error))
        except NoAnswer as error:
            self._doubt(opened, error)
        except BackendError as error:
            self._open, self._refused_pairs = None, list(opened.portion.pairs)
            raise self._refused(opened.submission.name, error) from error
        return False

    def _doubt(self, opened: OpenSubmission, error: NoAnswer) -> None:
        opened.doubt_it(error)
        self._wait(shortly(error))

    def _refuse_by_limit(self, opened: OpenSubmission, error: LimitReached) -> None:
        """Nobody knows a job of it: its batches are claimed, and it is looked for once more; then it is divided anew.

        An earlier try of a site's wrapper may have used up the limit.
        """
        if opened.are_ours is None:
            opened.are_ours = seize_batches(self._state.paths, opened.submission, self._conductor)
        elif opened.are_ours:
            self._withdraw(opened, error)
        else:
            self._doubt(opened, NoAnswer("its worker has begun, but the scheduler does not say in which job"))

    def _doubt_on(self, opened: OpenSubmission) -> None:
        """The source knows no such job; what surely was not accepted, is submitted again: the same, once more.

        Raises:
            BackendError: it would not be accepted then either.
        """
        if opened.may_show_up():
            self._wait("")
        elif self._is_stopped:
            self._withdrawn(opened, "cancelled, and the scheduler does not know it")
        elif refusal := opened.refusal():
            raise refusal
        elif opened.are_ours:
            self._withdraw(opened, opened.doubt)
        else:
            opened.doubt = None

    def _note(self, opened: OpenSubmission, handed: Handed) -> None:
        if opened.portion.remark:
            self._say(opened.portion.remark)
        if opened.doubt:
            self._say(f"{self._source.name} accepted it as job {handed.native_id}")
        self._write(events.HandedOver(opened.submission.name, handed.native_id, handed.job))
        self._open, self._retry, self._told = None, RetryPause(), ""
        self._state.refresh()  # what was handed over counts when the next portion is measured

    def _withdraw(self, opened: OpenSubmission, error: BackendError | None) -> None:
        """Too much at once: nothing of it was accepted, so it is divided anew; what can't be divided waits."""
        self._withdrawn(opened, error.problem if error else "not submitted")
        if not self._is_stopped:
            self._waiting = [*opened.portion.pairs, *self._waiting]
            if error is not None and len(opened.submission.batches) == 1:
                self._wait(shortly(error))

    def _withdrawn(self, opened: OpenSubmission, why: str) -> None:
        self._write(events.Withdrawn(opened.submission.name, why))
        self._open = None

    def _refused(self, name: str, error: BackendError) -> BackendError:
        """Writes it down, so that it is known until something is accepted; the error says how to change it."""
        refusal = events.Refusal(
            name, error.problem, error.evidence, error.fix, error.field, tuple(error.choices),
            self._source.name,
        )
        self._write(refusal)
        fix = another_try(self._state.record, refusal) if error.field else error.fix
        return type(error)(error.problem, evidence=error.evidence, fix=fix, field=error.field, choices=error.choices)

    def _wait(self, why: str) -> None:
        self._retry.begin()
        if why and why != self._told:
            self._told = why
            left = len(self._waiting) + (len(self._open.portion.pairs) if self._open else 0)
            told = f"{counted(left, 'task', 'waits', 'wait')} to be submitted: {why}"
            self._say(told)
            self._write(events.Waits(told))

    def hurry(self) -> None:
        """Something ended, so that there may be room: try soon."""
        if self._waiting and self._open is None:
            self._retry.shorten()

    def _write(self, line: Event) -> None:
        self._journal.append(line)
        self._journal.sync()

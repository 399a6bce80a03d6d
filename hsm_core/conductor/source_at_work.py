"""A source while a sweep is conducted: what it was asked, and what it has answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from hsm_core.errors import BackendError, NoAnswer
from hsm_core.sources.interface import Health, Polled, RunningSource, Source
from hsm_core.sources.job_monitor import JobMonitor
from hsm_core.sources.snapshot import Snapshot
from hsm_core.sources.source_thread import Answer, Calls
from hsm_core.store.journal import JournalWriter
from hsm_core.store.state.sweep_state import SweepState

from .handing_out.submission_queue import SubmissionQueue

#: Seconds between two calls that tend a queue: they look at the throttles of its arrays.
_TEND_S = 5.0
#: Seconds that closing waits for what a source does meanwhile, which is over at once unless its host hangs.
_CLOSE_S = 5.0


@dataclass
class _Asked:
    """The calls that have not been answered, each of a kind at most once but orders."""

    poll: Answer[tuple[Polled, Health]] | None = None
    tend: Answer[Health] | None = None


class SourceAtWork:
    """One source of a conductor. Only its calls run elsewhere: all that is written is written by who steps it.

    Args:
        say: prints a line for the user.
        conductor: its name.
        calls: of the source.
        takes: the source, if tasks may be given to it; None: its jobs are watched and ended only.

    Attributes:
        queue: what it is still to be given; None of one that takes nothing.
        is_closed: it gets no more.
    """

    def __init__(
        self, state: SweepState, journal: JournalWriter, say: Callable[[str], None], conductor: str, calls: Calls,
        source: RunningSource, takes: Source | None,
    ) -> None:  # fmt: skip
        self.source, self.calls, self._say = source, calls, say
        self.monitor = JobMonitor(state, source)
        self.queue = None if takes is None else SubmissionQueue(state, takes, calls, journal, say, conductor)
        self.takes = takes
        self.is_closed = takes is None
        self._health: Health | None = None
        self._asked = _Asked(tend=calls.ask(source.health, quietly=True))
        self._orders: list[Answer[None]] = []
        self._tended_at = time.monotonic()

    @property
    def name(self) -> str:
        return self.source.name

    def poll(self) -> bool:
        """Takes what it has found out, and has it find out more where it is time to. True if a scheduler answered."""
        is_answer = self._take_poll()
        if self._asked.poll is None and self.monitor.is_due():
            source, jobs, not_before = self.source, self.monitor.snapshot(), self.monitor.not_before()
            self._asked.poll = self.calls.ask(lambda: (source.poll(jobs, not_before), source.health()))
            is_answer |= self._take_poll()
        self._tend()
        self._take_orders()
        return is_answer

    def _take_poll(self) -> bool:
        answer = self._asked.poll
        if answer is None or not answer.is_there:
            return False
        self._asked.poll = None
        polled, self._health = answer.take()
        if polled.has_stuck:
            self._tended_at = float("-inf")
        return self.monitor.take(polled)

    def _tend(self) -> None:
        self.take_health()
        is_queue, now = self.source.kind == "queue", time.monotonic()
        knows_jobs = self.source.kind != "pool"
        if self._asked.tend is not None or (is_queue and now - self._tended_at < _TEND_S):
            return
        source, jobs = self.source, self.monitor.snapshot() if knows_jobs else Snapshot()
        self._tended_at = now

        def tend() -> Health:
            source.tend(jobs)
            return source.health()

        self._asked.tend = self.calls.ask(tend, quietly=True)

    def take_health(self) -> Health | None:
        """Returns how it is, as it was last told; None before it was."""
        answer = self._asked.tend
        if answer is not None and answer.is_there:
            self._asked.tend, self._health = None, answer.take()
        return self._health

    # ending

    def cancel(self, *, at_once: bool) -> None:
        """Has all its jobs end. What goes wrong is said when it is known."""
        source, jobs = self.source, self.monitor.snapshot()
        self._orders.append(self.calls.ask(lambda: source.cancel(jobs, at_once=at_once)))
        self._take_orders()

    def cancel_tasks(self, numbers: list[int]) -> None:
        """Sees to it that these tasks, which wait there, are not started."""
        source, jobs = self.source, self.monitor.snapshot()
        self._orders.append(self.calls.ask(lambda: source.cancel_tasks(jobs, numbers)))
        self._take_orders()

    def _take_orders(self) -> None:
        """Where a scheduler does not answer, workers still read the request."""
        for answer in [one for one in self._orders if one.is_there]:
            self._orders.remove(answer)
            try:
                answer.take()
            except (NoAnswer, OSError) as error:
                self._say(f"warning: {error}")
            self.monitor.disturb()

    def is_ordered(self) -> bool:
        """Whether it was asked to take or to end something, and has not answered."""
        self._take_orders()
        return bool(self._orders) or (self.queue is not None and self.queue.is_submitting)

    def close(self) -> None:
        """It gets no more; what runs, ends by itself."""
        self.is_closed = True
        closed = self.calls.ask(self.source.close)  # after all that it was asked before
        if closed.wait(_CLOSE_S if self.source.kind != "queue" or self._asked.tend is not None else 0.0):
            closed.take()

    def leave(self) -> None:
        """Nobody conducts any more: it gets no more, and is asked nothing any more."""
        self.close()
        self.calls.close()

    def log_tail(self) -> str:
        """Returns the end of its newest worker's log; empty where it does not come at once."""
        if self.takes is None:
            return ""
        answer = self.calls.ask(self.takes.log_tail)
        try:
            return answer.take() if answer.wait(_CLOSE_S) else ""
        except (BackendError, OSError):
            return ""

"""Holds the running attempts: starts them in free slots, listens to them, ends them, reports on them."""

from __future__ import annotations

import selectors
import signal
import time
from collections.abc import Callable, Iterable, Iterator

from hsm_core.model import Span
from hsm_core.processes.identity import this_host
from hsm_core.store import events
from hsm_core.store.layout import SweepPaths
from hsm_core.store.submission import WorkerSpec

from ..job import JobFacts
from ..os.processes import has_subreapers, kill_children, kill_group
from ..os.usage import oom_kills
from ..protocol import Message, Order, channel_pair, hang_up
from .attempt import Attempt, AttemptEnding, judge
from .attempt_files import confirmed, last_word, remove_if_empty
from .importers import Importer, ImporterPool
from .queue import Pending
from .report import Report
from .signal_probe import SignalProbe
from .task_environment import Variables

#: Seconds between KILLs of a task that does not end.
_AGAIN_S = 1.0


class Slots:
    """The slots of a worker and the attempts in them.

    Attributes:
        failures: attempts so far that ended and did not complete.
        unfinished: those of them that are to be continued, as after a checkpoint.
    """

    def __init__(
        self, spec: WorkerSpec, paths: SweepPaths, sweep_id: str, job: JobFacts, report: Report,
        importers: ImporterPool, selector: selectors.BaseSelector,
    ) -> None:  # fmt: skip
        self._spec, self._paths, self._sweep_id, self._job = spec, paths, sweep_id, job
        self._variables = Variables(spec, sweep_id, job)
        self._report, self._importers, self._selector = report, importers, selector
        self._attempts: dict[str, Attempt] = {}
        self._free = list(range(spec.slots))[::-1]
        self._shared: set[str] = set()
        self._probe = SignalProbe() if job.rank else None
        self.failures = self.unfinished = 0

    def __len__(self) -> int:
        return len(self._attempts)

    @property
    def free_slots(self) -> int:
        return len(self._free)

    def has(self, task: int, attempt: int) -> bool:
        """Returns whether an attempt runs here."""
        return f"{task}.{attempt}" in self._attempts

    @property
    def awaits_others(self) -> bool:
        """Returns whether other ranks still run what this one has completed."""
        return any(attempt.exited is not None for attempt in self._attempts.values())

    # beginnings

    def start(
        self, pending: Pending, overrides: tuple[str, ...], importer: Importer, *, beside: tuple[str, str] = ("", "")
    ) -> None:  # fmt: skip
        """Starts an attempt in a free slot.

        Args:
            beside: on other ranks than 0: directory and suffix of the attempt there.
        """
        slot, rank = self._free.pop(), self._job.rank
        order = Order(
            task=pending.task, attempt=pending.attempt, overrides=overrides, sweep=str(self._paths.root),
            sweep_id=self._sweep_id, env=self._variables.of(pending, slot), threads=self._spec.threads,
            job_id=self._job.native_id or str(pending.task), nice=self._spec.nice,
            can_be_warned=bool(self._job.native_id), stderr_to_stdout=self._spec.stderr_to_stdout,
            rank=rank.number if rank else 0, ranks=rank.count if rank else 1,
            directory=beside[0], suffix=beside[1],
        )  # fmt: skip
        ours, theirs = channel_pair()
        attempt = Attempt(order, slot, importer, ours, oom_kills(), self._spec.task_timeout_s)
        self._attempts[order.key] = attempt
        self._selector.register(ours.socket, selectors.EVENT_READ, lambda: self._hear(attempt))
        importer.order(order, theirs)

    # what they say

    def _hear(self, attempt: Attempt) -> None:
        if attempt.channel.is_closed:
            return  # it ended in this turn of the loop
        messages = attempt.channel.receive()
        if messages is None:
            hang_up(self._selector, attempt.channel)
        self._note(attempt, messages or ())

    def _note(self, attempt: Attempt, messages: Iterable[Message]) -> None:
        for message in messages:
            if message["said"] == "start":
                self._begun(attempt, message)
            elif message["said"] == "returned":
                attempt.returned = True
            else:
                attempt.said = message

    def _begun(self, attempt: Attempt, message: Message) -> None:
        attempt.begun, order = message, attempt.order
        self._report.say(
            events.Start(
                order.task, order.attempt, directory=message["dir"], suffix=message["suffix"],
                slot=attempt.slot, pid=message["pid"], host=this_host(),
            )
        )  # fmt: skip
        if message["suffix"] and not order.rank and message["dir"] not in self._shared:
            self._shared.add(message["dir"])
            self._report.say(events.Trouble(f"several tasks share the directory {message['dir']}"))
        attempt.channel.send({"go": True})

    # ends

    def ended(self, key: str, exited: Message) -> None:
        """Notes that the process of an attempt has ended; an attempt completed here waits for its other ranks."""
        attempt = self._attempts[key]
        self._let_go(attempt)
        attempt.said = attempt.said or last_word(attempt, exited)
        ending = judge(attempt, exited, oom_kills())
        if ending.state == "completed" and attempt.order.is_shared:
            attempt.exited = exited
        else:
            self._conclude(attempt, ending)

    def completed_elsewhere(self, is_so: Callable[[str], bool]) -> None:
        """Completes the attempts that this rank and all others have completed.

        Args:
            is_so: whether all others have completed an attempt (``Order.key``).
        """
        for attempt in list(self._attempts.values()):
            if attempt.exited is not None and is_so(attempt.order.key):
                self._conclude(attempt, confirmed(attempt, judge(attempt, attempt.exited, oom_kills())))

    def _conclude(self, attempt: Attempt, ending: AttemptEnding) -> None:
        self._forget(attempt)
        order = attempt.order
        self.failures += ending.state != "completed"
        if ending.state == "lost":
            self.unfinished += 1
            self._report.say(events.Lost(order.task, order.attempt, ending.message))
        elif attempt.ended_for != "superseded":
            self._report.say(
                events.End(
                    order.task, order.attempt, ending.state, ending.reason, ending.message,
                    wall=attempt.wall, **ending.details,
                )
            )  # fmt: skip

    def importer_ended(self, importer: Importer, exited: Message) -> None:
        """Judges the attempts that ran in an importer, or were forked from it, after its end."""
        for key in list(importer.keys):
            attempt = self._attempts[key]
            self._note(attempt, attempt.channel.drain())
            attempt.said = attempt.said or last_word(attempt, exited)
            if importer.mode == "fork" and not attempt.said and not attempt.ended_for:
                self._lose(key, exited)
            else:
                self.ended(key, exited)

    def _lose(self, key: str, exited: Message) -> None:
        """Reports an attempt whose end is unknown, as the process that could have told us died too."""
        attempt = self._attempts[key]
        self._let_go(attempt)
        self._forget(attempt)
        order = attempt.order
        how = f"signal {exited['signal']}" if exited["signal"] else f"code {exited['code']}"
        self.failures += 1
        evidence = f"its parent process ended first ({how})"
        self._report.say(events.Lost(order.task, order.attempt, evidence, final=True))

    def _forget(self, attempt: Attempt) -> None:
        """Frees the slot."""
        del self._attempts[attempt.order.key]
        self._free.append(attempt.slot)

    def _let_go(self, attempt: Attempt) -> None:
        """Ends whatever the attempt's process left behind."""
        self._note(attempt, attempt.channel.drain())
        hang_up(self._selector, attempt.channel)
        attempt.importer.keys.discard(attempt.order.key)
        kill_children(self._importers.pids | ({self._probe.pid} if self._probe else set()))
        if attempt.files is not None:
            remove_if_empty(attempt.files.stdout, attempt.files.stderr)
        if attempt.begun and not has_subreapers() and attempt.importer.mode != "none":
            kill_group(attempt.begun["pid"], signal.SIGKILL)

    # ending them

    def end(
        self, why: str, tasks: Span | None = None, *, below: int | None = None, at_once: bool = False
    ) -> None:
        """Ends attempts: TERM now and KILL after the grace time; with ``at_once``, KILL now.

        Args:
            tasks: these only; None means all.
            below: attempts with a lower number only.
        """
        for attempt in self._meant(tasks, below):
            if not attempt.ended_for:
                attempt.ended_for = why
                if attempt.exited is not None:
                    self._conclude(attempt, judge(attempt, attempt.exited, oom_kills()))
                    continue
                attempt.kill_at = time.monotonic() + self._spec.grace_s
                attempt.send_signal(signal.SIGTERM)
            if at_once:
                attempt.kill_at = time.monotonic() + _AGAIN_S
                attempt.send_signal(signal.SIGKILL)

    def failed_elsewhere(self, ending: AttemptEnding, key: str | None = None, *, exited: str = "") -> None:
        """Ends attempts that can't continue, as another rank of them has failed.

        Args:
            key: this one only; None means all.
            exited: one whose process has ended by itself: what it left says why, this is said as well.
        """
        for attempt in list(self._attempts.values()):
            if key not in (None, attempt.order.key) or attempt.ended_for or attempt.elsewhere:
                continue
            attempt.elsewhere = ending
            is_at_end = attempt.said is not None and attempt.said["state"] != "completed"
            if not is_at_end and attempt.order.key != exited:
                self.end("rank", Span(attempt.order.task, 1))

    def warn(self, *, goes_on: bool) -> None:
        """Warns tasks that their job's time is nearly over: with SIGUSR2, which they ignore unless they want it.

        Args:
            goes_on: the job will be run again.
        """
        for attempt in self._attempts.values():
            attempt.goes_on = goes_on
        if self._probe is not None and self._probe.was_warned():
            return
        for attempt in self._attempts.values():
            attempt.send_signal(signal.SIGUSR2)

    def enforce_limits(self) -> None:
        """Ends what has run too long, and kills what did not end."""
        now = time.monotonic()
        for attempt in list(self._attempts.values()):
            if attempt.kill_at is not None and now >= attempt.kill_at:
                attempt.kill_at = now + _AGAIN_S
                attempt.send_signal(signal.SIGKILL)
            elif attempt.limit_s and not attempt.ended_for and now - attempt.began >= attempt.limit_s:
                self.end("limit", Span(attempt.order.task, 1))

    def due_in(self) -> float:
        """Returns the seconds until ``enforce_limits`` has something to do."""
        limit = self._spec.task_timeout_s
        due = [one.kill_at for one in self._attempts.values() if one.kill_at is not None]
        if limit:
            due += [one.began + limit for one in self._attempts.values() if not one.ended_for]
        return max(0.0, min(due, default=float("inf")) - time.monotonic())

    def _meant(self, tasks: Span | None, below: int | None) -> Iterator[Attempt]:
        for attempt in list(self._attempts.values()):
            order = attempt.order
            inside = tasks is None or tasks.first <= order.task < tasks.first + tasks.count
            if inside and (below is None or order.attempt < below):
                yield attempt

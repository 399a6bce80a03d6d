"""Runs attempts in processes that have the app imported; what the supervisor and the other ranks of a task share."""

from __future__ import annotations

import re
import selectors
import signal
from abc import ABC, abstractmethod
from pathlib import Path

from hsm_core.processes.lock import Lock
from hsm_core.safe_open import log_tail
from hsm_core.store import events
from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import read_record
from hsm_core.store.submission import WorkerSpec

from ..job import JobFacts
from ..os.processes import adopt_orphans
from ..os.signals import SignalBell
from ..protocol import Message
from .importers import Importer, ImporterPool
from .report import Report
from .slots import Slots

#: Seconds by which the signals that a scheduler sends to the processes of a job may lie apart.
_OWN_TERM_S = 0.5
#: An importer that is killed this often, without a task having ended meanwhile, is given up.
_MOST_DEATHS = 3
#: Longest output kept in an event, bytes.
_OUTPUT_LIMIT = 8000


class AttemptLoop(ABC):
    """Listens to importers and to signals, and hands the ends of processes on to the slots.

    Args:
        head: the first line of the journal that ``report`` writes.
        lock: held by this process and all that it starts.
        log: of this worker; importers print into it.
    """

    def __init__(
        self, paths: SweepPaths, spec: WorkerSpec, job: JobFacts, head: events.WorkerHead, report: Report,
        log: Path, lock: Lock,
    ) -> None:  # fmt: skip
        adopt_orphans()
        self._spec, self._job, self._report, self._log = spec, job, report, log
        log.touch()
        self._selector = selectors.DefaultSelector()
        self._bell = SignalBell(self._selector, self._on_signal)
        report.say(head)
        self._importers = ImporterPool(spec, lock, log, self._selector, self._on_message)
        self._slots = Slots(spec, paths, read_record(paths).id, job, report, self._importers, self._selector)
        self._deaths = _ImporterDeaths()
        self._stops = 0

    @abstractmethod
    def _timeout(self) -> float:
        """Returns the seconds until there is something to do, if nothing arrives."""

    @abstractmethod
    def _on_signal(self, number: int) -> None:
        """Obeys a signal."""

    @abstractmethod
    def _fail_waiting(self, boot: Path, why: str) -> None:
        """Fails the attempts that wait for an importer of a payload (``boot.json``) that can't be imported."""

    def _before_judging(self, key: str, exited: Message) -> None:
        """Waits for what may explain from outside why the process of an attempt ended.

        Args:
            key: the attempt, as ``Order.key``.
            exited: ``code`` or ``signal`` of the process.
        """
        if exited["signal"] == signal.SIGTERM:
            self._await_own_term()

    @abstractmethod
    def _importer_is_ready(self, importer: Importer, message: Message) -> None:
        """Notes that an importer has imported the app."""

    def _wait(self) -> None:
        """Waits until something arrives or is due, and handles it."""
        for key, _ in self._selector.select(self._timeout()):
            key.data()

    def _note_stop(self, number: int) -> bool:
        """Counts a TERM or INT; returns whether to kill at once: after INT, or when it is not the first."""
        self._stops += 2 if number == signal.SIGINT else 1
        return self._stops > 1

    def _await_own_term(self) -> None:
        """Waits, before what TERM killed is judged, for our own: a scheduler signals all processes of a job."""
        if self._job.native_id:
            self._bell.await_ring(lambda: bool(self._stops), _OWN_TERM_S)

    def _on_message(self, importer: Importer, message: Message) -> None:
        if message["said"] == "exit":
            self._deaths.reset()
            self._before_judging(message["key"], message)
            self._slots.ended(message["key"], message)
        else:
            self._importers.note_ready(importer, message)
            self._importer_is_ready(importer, message)

    def _reap(self) -> None:
        for importer in list(self._importers.importers):
            if (exited := importer.reap()) is not None:
                self._importer_ended(importer, exited)

    def _importer_ended(self, importer: Importer, exited: Message) -> None:
        """Ends an importer's attempts with it; if another would fare no better, fails all that wait for one."""
        ran_attempts = bool(importer.keys) and importer.mode != "fork"
        for key in list(importer.keys) if ran_attempts else ():
            self._before_judging(key, exited)
        if not ran_attempts and exited["signal"] == signal.SIGTERM:
            self._await_own_term()
        self._importers.remove(importer)
        self._slots.importer_ended(importer, exited)
        if ran_attempts or importer.dismissed:
            self._deaths.reset()
        elif not self._stops and self._deaths.are_too_many(exited, importer.is_ready):
            output = _output_since(self._log, importer.log_offset)
            why = _why_not_imported(exited, importer.is_ready, output)
            self._report.say(events.Broken(importer.boot.parent.name, why, output))
            self._fail_waiting(importer.boot, why)


class _ImporterDeaths:
    """Counts the importers of a worker that were killed, one after the other, without a task having ended."""

    def __init__(self) -> None:
        self._deaths = 0

    def reset(self) -> None:
        """Starts to count anew, as a task has ended: the app can be imported."""
        self._deaths = 0

    def are_too_many(self, exited: Message, was_ready: bool) -> bool:
        """Counts a death and returns whether to give up: at once after a failed import, later if it was killed.

        Args:
            exited: ``code`` or ``signal`` of the importer.
            was_ready: whether it had imported the app.
        """
        self._deaths += 1
        killed = was_ready or exited["signal"] == signal.SIGKILL
        return not killed or self._deaths >= _MOST_DEATHS


def _output_since(log: Path, offset: int) -> str:
    """Returns the end of what was printed to the worker's log after ``offset`` (bytes), where a process began."""
    return log_tail(log, limit=_OUTPUT_LIMIT, begin=offset).strip()


def _last_word(output: str) -> str:
    """Returns the line that says what was wrong; evidence and what to type follow indented, if it is our error."""
    lines = output.splitlines()
    found = next((line for line in reversed(lines) if not line.startswith((" ", "\t"))), "".join(lines[-1:]))
    return re.sub(r"^hsm_core\.errors\.\w+: ", "", found)


def _why_not_imported(exited: Message, was_ready: bool, output: str) -> str:
    """Returns one line that says why tasks can't be run; ``output`` is what their importer printed."""
    how = f"signal {exited['signal']}" if exited["signal"] else f"code {exited['code']}"
    last = _last_word(output) or "it printed nothing"
    what = "the process that imports the app keeps dying" if was_ready else "the app could not be imported"
    return f"{what} ({how}): {last}"

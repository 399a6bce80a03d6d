"""Runs attempts in processes that have the app imported; what the supervisor and the other ranks of a task share."""

from __future__ import annotations

import selectors
import signal
from abc import ABC, abstractmethod
from pathlib import Path

from hsm_core.processes.lock import Lock
from hsm_core.store import events
from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import read_record
from hsm_core.store.submission import WorkerSpec

from ..job import JobFacts
from ..os.processes import adopt_orphans
from ..os.signals import SignalBell
from ..protocol import Message
from .import_failure import ImporterDeaths, output_since, why_not_imported
from .importers import Importer, ImporterPool
from .report import Report
from .slots import Slots

#: Seconds by which the signals that a scheduler sends to the processes of a job may lie apart.
_OWN_TERM_S = 0.5


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
        self._deaths = ImporterDeaths()
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
            output = output_since(self._log, importer.log_offset)
            why = why_not_imported(exited, importer.is_ready, output)
            self._report.say(events.Broken(importer.boot.parent.name, why, output))
            self._fail_waiting(importer.boot, why)

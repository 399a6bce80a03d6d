"""Brings home what a worker on another machine writes: journal, logs, and its tasks' folders before their ends."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from hsm_core.hosts.interface import Host
from hsm_core.hosts.mirror import Mirror
from hsm_core.model import ProcessIdentity
from hsm_core.safe_open import make_directory
from hsm_core.store import events
from hsm_core.store.event_codec import Event
from hsm_core.store.files import create_exclusively, nonce, to_json
from hsm_core.store.journal import JournalReader
from hsm_core.store.layout import SweepPaths, TaskPaths
from hsm_core.store.outcomes import owner_of

from ..interface import Pair
from .worker_words import WorkerWords, is_result


class WorkerMirror:
    """A worker on another machine, as far as its words have come home.

    Args:
        there: the sweep's directory on the host.
        words: what it may say.

    Attributes:
        given: tasks and attempts that it was given, by submission.
        process: itself, as soon as that is known.
        sealed: it has ended by itself, and all that it said is here.
    """

    def __init__(self, paths: SweepPaths, host: Host, there: Path, words: WorkerWords) -> None:
        self._paths, self._host, self._words = paths, host, words
        self._mirror = Mirror(host, there, paths.root)
        self._journal = paths.journal(words.worker).relative_to(paths.root)
        self._log = paths.worker_log(words.worker).relative_to(paths.root)
        self._running: dict[Pair, TaskPaths] = {}
        self._begun: set[Pair] = set()
        self.given: dict[str, set[Pair]] = {}
        self.process: ProcessIdentity | None = None
        self.sealed = False
        with suppress(FileNotFoundError):  # what an earlier process brought home
            for event in JournalReader(paths.journal(words.worker)).read_new():
                self._note(event)

    @property
    def name(self) -> str:
        return self._words.worker

    def bring_home(self) -> None:
        """Fetches what is new; the end of a task is written here only when all its files are here.

        Raises:
            OSError: the host, or the disk here, refuses; what came is kept, the rest comes later.
            ValueError: a file there does not go on as it does here.
        """
        if self.sealed:
            return
        with suppress(FileNotFoundError):
            self._mirror.follow(self._journal, self._take, whole_lines=True)
        self._follow([self._log])
        for files in self._running.values():
            self._follow(path.relative_to(self._paths.root) for path in (files.stdout, files.stderr))

    def bring_rest(self) -> None:
        """Fetches what tasks wrote that it can't end any more, as it is dead.

        Raises:
            OSError, ValueError: as ``bring_home``.
        """
        self.bring_home()
        for pair in list(self._running):
            self._fetch(pair)

    def _follow(self, names: Iterable[Path]) -> None:
        for name in names:
            with suppress(FileNotFoundError):  # nothing was printed yet
                self._mirror.follow(name)

    def _take(self, lines: bytes) -> None:
        """Is shown the journal's new lines before they are written here."""
        for event in list(self._words.checked(lines, self.given)):
            if isinstance(event, events.Start):
                self._make_room(event)
            elif isinstance(event, events.Claimed):
                self._claim(event.batch)
            self._note(event)
            if isinstance(event, (events.End, events.Lost)):
                self._fetch((event.task, event.attempt))

    def _note(self, event: Event) -> None:
        match event:
            case events.WorkerHead():
                self.process = event.process
            case events.Start():
                files = TaskPaths(self._paths.root / event.directory, event.suffix)
                self._running[event.task, event.attempt] = files
            case events.Seal():
                self.sealed = True

    def _claim(self, batch: str) -> None:
        """Writes down here that a batch is taken, so that nobody here takes it."""
        if self.process is not None:
            facts = {"nonce": nonce(16), "worker": self.name, "native_id": "", "restart": 0, **asdict(self.process)}
            create_exclusively(self._paths.claim(batch), to_json(facts))

    def _fetch(self, pair: Pair) -> None:
        files = self._running.get(pair)
        if files is None:
            return  # it had no folder yet
        folder = files.root.relative_to(self._paths.root)
        with suppress(FileNotFoundError):  # the task has removed it
            self._mirror.fetch(folder, is_result)
        del self._running[pair]

    def _make_room(self, start: events.Start) -> None:
        """Makes a task's folder, as open to others as the sweep's own.

        Our files of an earlier attempt, which ran elsewhere perhaps, go where the worker would put them.
        """
        files = TaskPaths(self._paths.root / start.directory, start.suffix)
        files.root.mkdir(0o777, parents=True, exist_ok=True)
        make_directory(files.hsm, stat.S_IMODE(os.stat(self._paths.hsm).st_mode) & 0o755)
        owner, pair = owner_of(files), (start.task, start.attempt)
        if start.attempt < 2 or pair in self._begun or (owner is not None and owner.attempt >= start.attempt):
            return
        self._begun.add(pair)
        aside = files.of_attempt(start.attempt - 1)
        for path in (files.stdout, files.stderr, files.outcome, files.pickle):
            with suppress(FileNotFoundError):
                os.stat(path, follow_symlinks=False)
                aside.hsm.mkdir(0o755, parents=True, exist_ok=True)
                os.replace(path, aside.hsm / path.name)


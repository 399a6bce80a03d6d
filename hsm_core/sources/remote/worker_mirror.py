"""Brings home what a worker on another machine writes: journal, logs, and its tasks' folders before their ends."""

from __future__ import annotations

import math
import os
import stat
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from hsm_core.errors import HsmError
from hsm_core.hosts.interface import Host
from hsm_core.hosts.mirror import PIECE, Mirror
from hsm_core.model import ProcessIdentity
from hsm_core.processes.lock import lock_if_free
from hsm_core.safe_open import make_directory
from hsm_core.store import events
from hsm_core.store.away import fences
from hsm_core.store.event_codec import Event
from hsm_core.store.files import create_exclusively, nonce, to_json
from hsm_core.store.layout import SweepPaths, TaskPaths
from hsm_core.store.left_there import LeftThere, write_left
from hsm_core.store.outcomes import owner_of

from ..interface import Pair
from ..source_thread import Answer, Calls
from .journal_copy import JournalCopy
from .staying import Staying
from .task_folders import require_own_folder
from .worker_words import WorkerWords, is_result

#: Bytes of a folder that keeps no other one waiting for long.
SMALL = 1 << 22
_AT_ONCE = 1 << 26  # of a journal: a host could send more without end


@dataclass(frozen=True)
class Copying:
    """Tells how tasks' folders are copied in the background.

    Args:
        small, large: make the calls that copy small folders, and all others.
        staying: which files stay where they are.
    """

    small: Calls
    large: Calls
    staying: Staying


class WorkerMirror:
    """A worker on another machine, as far as its words have come home.

    Args:
        there: the sweep's directory on the host.
        words: what it may say.
        copying: how tasks' folders are copied.

    Attributes:
        given: tasks and attempts that it was given, by submission.
        process: itself, as soon as that is known.
        sealed: it has ended by itself, and all that it said is here.
        expired: seconds without a word of ours, after which it has ended its tasks; 0: it has not.
    """

    def __init__(
        self, paths: SweepPaths, host: Host, there: Path, words: WorkerWords, copying: Copying
    ) -> None:
        self._paths, self._words, self._copying = paths, words, copying
        shown, came = paths.journal(words.worker), paths.came(words.worker)
        self._mirror = Mirror(host, there, paths.root)
        self._journal = JournalCopy(came, shown)
        self._name, self._into = shown.relative_to(paths.root), came.relative_to(paths.root)
        self._running: dict[Pair, TaskPaths] = {}
        self._coming: dict[Pair, Answer[bool]] = {}
        self._home: set[Pair] = set()
        self._begun: set[Pair] = set()
        self._next_log = self._came = 0
        self._troubles: list[Exception] = []
        self.given: dict[str, set[Pair]] = {}
        self.process: ProcessIdentity | None = None
        self.sealed = False
        self.expired = 0.0
        self._refresh()  # what an earlier process brought home

    @property
    def name(self) -> str:
        return self._words.worker

    @property
    def coming(self) -> int:
        """Returns how many tasks have ended there whose files are on their way."""
        return len(self._coming)

    def bring_home(self, patience_s: float = 0.0) -> None:
        """Fetches what is new; the end of a task is shown to readers only when all its files are here.

        Files are copied in another thread, and nothing of other tasks waits for them.

        Args:
            patience_s: seconds for which files are waited for that are on their way.

        Raises:
            OSError: the host, or the disk here, refuses; what came is kept, the rest comes later.
            ValueError: a file there does not go on as it does here.
        """
        if self.sealed:
            return
        with lock_if_free(f"journal-{self.name}") as is_ours:  # else another process does it now
            if is_ours:
                self._came = 0
                with suppress(FileNotFoundError):
                    self._came = self._mirror.follow(
                        self._name, self._check, whole_lines=True, most=_AT_ONCE, into=self._into
                    )
            self._refresh()
            if is_ours:
                self._show()
                if self._coming:
                    self._wait(patience_s)
                    self._show()
        self._follow_logs()
        self._raise_trouble()

    def bring_rest(self) -> bool:
        """Fetches what tasks wrote that it can't end any more, as it is dead; returns whether all of it is here.

        Raises:
            OSError, ValueError: as ``bring_home``.
        """
        self.bring_home()
        are_home = [self._is_home(pair, counts=False) for pair in list(self._running)]
        self._raise_trouble()
        return all(are_home) and not self._journal.waiting and self._came < _AT_ONCE

    # the journal

    def _check(self, lines: bytes) -> None:
        """Is shown the journal's new lines before they are written here."""
        for _ in self._words.checked(lines, self.given):
            pass

    def _refresh(self) -> None:
        """Reads what came, and notes what another process has shown."""
        shown = self._journal.refresh()
        if shown is not None:
            self._running.clear()
            for event in shown:
                self._note(event)

    def _show(self) -> None:
        held: set[int] = set()
        for event in self._journal.show(lambda event: self._is_true(event, held)):
            self._note(event)

    def _is_true(self, event: Event | None, held: set[int]) -> bool:
        """Returns whether readers may see a line now, and does what must be done first.

        Args:
            held: tasks of which a line before this one is held back.
        """
        match event:
            case events.Seal():
                return not held
            case events.Claimed():
                self._claim(event.batch)
            case events.Start() if event.task not in held:
                if not fences.is_fenced(self._paths, event.task, event.attempt):
                    self._make_room(event)
                self._note(event)
            case events.End() | events.Lost() if event.task not in held:
                if not self._is_home((event.task, event.attempt), counts=isinstance(event, events.End)):
                    held.add(event.task)
        return getattr(event, "task", None) not in held

    def _note(self, event: Event) -> None:
        match event:
            case events.WorkerHead():
                self.process = event.process
            case events.Start():
                files = TaskPaths(self._paths.root / event.directory, event.suffix)
                self._running[event.task, event.attempt] = files
            case events.End() | events.Lost():
                self._running.pop((event.task, event.attempt), None)
            case events.Expired():
                self.expired = event.seconds or 1.0
            case events.Seal():
                self.sealed = True

    def _claim(self, batch: str) -> None:
        """Writes down here that a batch is taken, so that nobody here takes it."""
        if self.process is not None:
            facts = {"nonce": nonce(16), "worker": self.name, "native_id": "", "restart": 0, **asdict(self.process)}
            create_exclusively(self._paths.claim(batch), to_json(facts))

    # its tasks' files

    def is_coming(self, pair: Pair) -> bool:
        """Returns whether a task's files are on their way."""
        return pair in self._coming and not self._coming[pair].is_there

    def _is_home(self, pair: Pair, *, counts: bool) -> bool:
        """Returns whether all files of a task that has ended are here; has them fetched if they are not.

        Args:
            counts: it ended by its own word, and no other attempt may follow.
        """
        files = self._running.get(pair)
        if files is None or pair in self._home:
            return True  # it had no folder yet
        if pair not in self._coming:
            fetch = partial(self._fetch, pair, files, counts, SMALL)
            self._coming[pair] = self._copying.small.ask(fetch, quietly=True)
        if not self._coming[pair].is_there:
            return False
        try:
            if not self._coming.pop(pair).take():
                fetch = partial(self._fetch, pair, files, counts)
                self._coming[pair] = self._copying.large.ask(fetch, quietly=True)
                return False
        except (OSError, ValueError, HsmError) as error:
            self._troubles.append(error)
            return False
        self._home.add(pair)
        return True

    def _fetch(self, pair: Pair, files: TaskPaths, counts: bool, most: float = math.inf) -> bool:
        """Copies a task's folder, unless another machine has the task by now.

        Returns:
            False: it has more bytes than that, and nothing of it was copied.
        """
        if not fences.take_end(self._paths, *pair):
            return True
        is_here = False
        try:
            is_here = self._copy(pair[0], files.root.relative_to(self._paths.root), most)
        except FileNotFoundError:  # the task has removed it
            is_here = True
        finally:
            if not (is_here and counts):
                fences.give_back_end(self._paths, *pair)
        return is_here

    def _copy(self, task: int, folder: Path, most: float) -> bool:
        staying = self._copying.staying
        came = self._mirror.fetch(folder, lambda found: is_result(found) and not staying.holds(found), most)
        if came is None:
            return False
        sizes = [found.size for found in came.left if staying.holds(found)]
        write_left(self._paths, task, LeftThere(self._words.source, len(sizes), sum(sizes)))
        return True

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for answer in list(self._coming.values()):
            answer.wait(max(0.0, deadline - time.monotonic()))

    def _raise_trouble(self) -> None:
        """Raises why files can't be fetched now; that keeps back no line of another task."""
        troubles, self._troubles = self._troubles, []
        for trouble in troubles:
            raise trouble

    def _follow_logs(self) -> None:
        """Has a look at all logs, and fetches so much at once that nobody waits long for it."""
        ended = self._home.union(self._coming)
        mine = {pair: files for pair, files in self._running.items() if pair not in ended}
        running = [files for pair, files in mine.items() if not fences.is_fenced(self._paths, *pair)]
        logs = [self._paths.worker_log(self.name), *(log for one in running for log in (one.stdout, one.stderr))]
        first, left = self._next_log % len(logs), PIECE
        for path in (*logs[first:], *logs[:first]):
            if left <= 0:
                break
            self._next_log += 1
            with suppress(FileNotFoundError):  # nothing was printed yet
                left -= self._mirror.follow(path.relative_to(self._paths.root), most=left)

    def _make_room(self, start: events.Start) -> None:
        """Makes a task's folder, as open to others as the sweep's own.

        Our files of an earlier attempt, which ran elsewhere perhaps, go where the worker would put them.
        """
        require_own_folder(self._paths, start, self.name.rpartition("-")[0])
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

"""Runs one attempt in the process that belongs to it, and writes down how it ended."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from hsm_core.errors import Checkpointed, ConfigError, StoreError
from hsm_core.overrides import without_secrets
from hsm_core.safe_open import append_to
from hsm_core.store.events import DETAILS
from hsm_core.store.files import write_atomically
from hsm_core.store.layout import SweepPaths, TaskPaths
from hsm_core.store.outcomes import Owner

from ..protocol import Channel, Order
from .directory import private_mode, put_back, redirect_output, require_sweep, take_directory
from .exit import leave
from .outcome import explain, failed, write_outcome
from .returned import keep

#: Takes a task's directory and what Hydra leaves there; returns where an earlier attempt left its checkpoint.
Enter = Callable[[str, Iterable[str]], str]


class TaskModule(Protocol):
    """The module that the payload's ``boot.json`` names: it runs the tasks of this kind of app."""

    def prepare(self, payload: str) -> object:
        """Loads the payload, once a process."""

    def warm_up(self, prepared: object) -> None:
        """Loads what all tasks would load, for those that are forked from here."""

    def against_forks(self, prepared: object) -> list[str]:
        """Returns, after ``warm_up``, why a process forked from here would not be as good as a fresh one."""

    def expect(self, prepared: object, overrides: Sequence[str]) -> None:
        """Notes that a task with these overrides comes next, in this process or in one that is forked from it."""

    def notes(self, prepared: object) -> list[str]:
        """Returns what to record about the code that was loaded."""

    def run(self, prepared: object, order: Mapping[str, object], enter: Enter) -> object:
        """Runs an attempt, and calls ``enter`` before the task's function."""

    def dumps(self, value: object) -> bytes:
        """Pickles a return value or an exception; raises if it could not be loaded again."""


def run_attempt(order: Order, channel: Channel, module: TaskModule, prepared: object) -> int:
    """Runs an attempt to its outcome.

    Returns:
        the exit code for its process: 0 only if the task completed.
    """
    me = os.getpid()
    entry = _RankEntry(order, channel) if order.rank else _Entry(order, channel)
    try:
        value = module.run(prepared, entry.asked(), entry)
        _leave_if_forked(me, None)
    except Checkpointed as word:
        return entry.checkpointed(word)
    except BaseException as error:  # noqa: BLE001  the worker's edge: what a task raises is its outcome
        _leave_if_forked(me, error)
        content, pickled = _encode_failure(module, error, entry)
    else:
        channel.send({"said": "returned"})
        content, pickled = keep(None if order.rank else value, module.dumps)
    return 0 if entry.finish(content, pickled) == "completed" else 1


class _Entry:
    """Takes the task's directory as soon as Hydra has resolved it, and reports for the task."""

    def __init__(self, order: Order, channel: Channel) -> None:
        self._order, self._channel = order, channel
        self._files: TaskPaths | None = None
        self._logs: dict[Path, int] = {}

    def __call__(self, directory: str, leftovers: Iterable[str]) -> str:
        require_sweep(Path(self._order.sweep))
        self._files = self._take(Path(directory), leftovers)
        self._logs = redirect_output(self._files.stdout, self._stderr(self._files))
        os.environ["HSM_TASK_DIR"] = directory
        shown = _relative_to_sweep(self._files.root, Path(self._order.sweep))
        self._channel.send({"said": "start", "dir": shown, "suffix": self._files.suffix, "pid": os.getpid()})
        if self._channel.receive() is None:  # the start is written down before the task's function begins
            os._exit(1)
        return str(self._checkpoint(self._files))

    def asked(self) -> Mapping[str, object]:
        """Returns the order as the application's side sees it."""
        hides = any(without_secrets(text) != text for text in self._order.overrides)
        return {**self._order.to_json(), "hides": hides}

    @property
    def _owner(self) -> Owner:
        return self._order.owner

    def _take(self, directory: Path, leftovers: Iterable[str]) -> TaskPaths:
        has_ended = SweepPaths(Path(self._order.sweep)).has_given_way
        mode = private_mode(Path(self._order.sweep))
        return take_directory(directory, self._owner, leftovers, has_ended, mode)

    def _checkpoint(self, files: TaskPaths) -> Path:
        return files.checkpoint

    def print(self, text: str) -> None:
        """Writes to the log of the task's stderr, whatever the task did to its streams."""
        data = text.encode("utf-8", "backslashreplace")
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        with suppress(OSError):
            if self._files is None:
                os.write(2, data)
                return
            try:
                os.write(self._logs[self._stderr(self._files)], data)
            except OSError:  # the task has closed all that it found open
                with append_to(self._stderr(self._files)) as log:
                    log.write(data)

    def _stderr(self, files: TaskPaths) -> Path:
        return files.stdout if self._order.stderr_to_stdout else files.stderr

    def finish(self, content: dict[str, object], pickled: bytes | None) -> str:
        """Writes the outcome, then reports it."""
        content = self._write(content, pickled)
        words = ("state", "reason", "message", *DETAILS)
        self._channel.send({"said": "end", **{name: content[name] for name in words if name in content}})
        return str(content["state"])

    def checkpointed(self, word: Checkpointed) -> int:
        """Ends the attempt without an outcome; the next attempt continues from here."""
        if word.content is not None and self._files is not None:
            put_back(Path(self._order.sweep), self._files, self._logs)
            write_atomically(self._files.checkpoint, word.content, private=True)
        self._channel.send({"said": "end", "state": "checkpointed"})
        return 1

    def _write(self, content: dict[str, object], pickled: bytes | None) -> dict[str, object]:
        if self._files is None:
            return content
        try:
            put_back(Path(self._order.sweep), self._files, self._logs)
            write_outcome(self._files, self._owner, self._final(content), pickled)
        except (OSError, StoreError) as error:
            if content["state"] == "completed":
                return _spoiled("can't write its result", error, self)
        return content

    def _final(self, content: dict[str, object]) -> dict[str, object]:
        """Returns the outcome to write; of several ranks, the supervisor completes it when all of them have."""
        runs_on = self._order.is_shared and content["state"] == "completed"
        return {**content, "state": "running"} if runs_on else content


class _RankEntry(_Entry):
    """Enters a task on other ranks than 0: rank 0 owns directory, outcome and checkpoint; only logs are its own."""

    def asked(self) -> Mapping[str, object]:
        return {**super().asked(), "can_be_warned": False}

    def _take(self, directory: Path, leftovers: Iterable[str]) -> TaskPaths:
        order = self._order
        theirs = Path(order.sweep) / order.directory
        if directory != theirs:
            raise ConfigError(
                "the ranks of a task have different directories: it depends on the rank or the time",
                evidence=f"{theirs} on rank 0, {directory} on rank {order.rank}",
                fix="hydra.sweep.subdir='${hydra.job.num}'",
            )
        return TaskPaths(directory, order.suffix).of_rank(order.rank)

    def _checkpoint(self, files: TaskPaths) -> Path:
        return TaskPaths(files.root, self._order.suffix).checkpoint

    def checkpointed(self, word: Checkpointed) -> int:
        """Reports an end in good order."""
        self._channel.send({"said": "end", "state": "completed"})
        return 0

    def _write(self, content: dict[str, object], pickled: bytes | None) -> dict[str, object]:
        return content


def _leave_if_forked(me: int, error: BaseException | None) -> None:
    """Ends a process that the task forked and that came back to us: it must not write the task's outcome."""
    if os.getpid() != me:
        code = error.code if isinstance(error, SystemExit) else error and 1
        leave(code if isinstance(code, int) else int(code is not None))


def _spoiled(what: str, error: Exception, entry: _Entry) -> dict[str, object]:
    failure = explain(error)
    entry.print(failure.trace)
    return {**failed(failure), "message": f"{what}: {failure.message}"}


def _encode_failure(
    module: TaskModule, error: BaseException, entry: _Entry
) -> tuple[dict[str, object], bytes | None]:
    failure = explain(error)
    entry.print(failure.trace)
    try:
        return failed(failure), module.dumps(error)
    except Exception:  # noqa: BLE001  the worker's edge: it stays as text
        return failed(failure), None


def _relative_to_sweep(path: Path, root: Path) -> str:
    """Returns a path as events store it: relative to the sweep if it lies in it, else absolute."""
    try:
        return str(path.relative_to(root))
    except ValueError:
        return str(path)

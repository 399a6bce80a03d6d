"""Runs one attempt in the process that belongs to it, and writes down how it ended."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from hsm_core.store.layout import TaskPaths, relative_to_sweep

from .orders import Channel, Order
from .outcome import completed, explain, failed, open_outcome, owner_of, write_outcome

Enter = Callable[[str, Iterable[str]], None]


class TaskModule(Protocol):
    """What the payload's ``boot.json`` names: how a task of this application runs."""

    def prepare(self, payload: str) -> Any:
        """Load the payload, once a process."""

    def run(self, prepared: Any, order: Mapping[str, Any], enter: Enter) -> object:
        """Run an attempt; call ``enter(directory, files that an attempt leaves there)`` before the task's function."""

    def dumps(self, value: object) -> bytes:
        """Pickle a return value or an exception; fails if it could not be loaded again."""


def run_attempt(order: Order, channel: Channel, module: TaskModule, prepared: Any) -> int:
    """Run an attempt to its outcome.

    Returns:
        the exit code for its process: 0 only if the task completed.
    """
    entry = _Entry(order, channel)
    try:
        value = module.run(prepared, order.to_json(), entry)
        content, pickled = _encode(module, value)
    except BaseException as error:  # the worker's edge: whatever a task raises becomes its outcome
        content, pickled = _encode_failure(module, error)
    return 0 if entry.finish(content, pickled) == "completed" else 1


def leave(code: int) -> None:
    """End the process as the interpreter does, but without unwinding into the importer's frames."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(code)


class _Entry:
    """Takes the task's directory as soon as Hydra has resolved it: old files rotate, output goes to its logs."""

    def __init__(self, order: Order, channel: Channel) -> None:
        self._order, self._channel = order, channel
        self._files: TaskPaths | None = None

    def __call__(self, directory: str, leftovers: Iterable[str]) -> None:
        files = TaskPaths(Path(directory))
        files.root.mkdir(parents=True, exist_ok=True)
        for candidate in (files, TaskPaths(files.root, f"-{self._order.task}")):
            if owner_of(candidate) == self._order.task:
                _rotate(candidate, leftovers)
        self._files = open_outcome(files, self._order.task, self._order.attempt)
        _redirect(self._files)
        os.environ["HSM_TASK_DIR"] = str(files.root)
        shown = relative_to_sweep(files.root, Path(self._order.sweep))
        self._channel.send({"said": "start", "dir": shown, "suffix": self._files.suffix, "pid": os.getpid()})
        self._channel.receive()  # the start is on disk before the task's function begins

    def finish(self, content: dict[str, Any], pickled: bytes | None) -> str:
        content = self._write(content, pickled)
        said = {
            name: content[name] for name in ("state", "reason", "kind", "message", "trace") if name in content
        }
        self._channel.send({"said": "end", **said})
        return str(content["state"])

    def _write(self, content: dict[str, Any], pickled: bytes | None) -> dict[str, Any]:
        if self._files is None:
            return content
        try:
            write_outcome(self._files, self._order.task, self._order.attempt, content, pickled)
        except OSError as error:
            if content["state"] == "completed":
                failure = explain(error)
                return {**failed(failure), "message": f"its result could not be written: {failure.message}"}
        return content


def _encode(module: TaskModule, value: object) -> tuple[dict[str, Any], bytes | None]:
    content = completed(value)
    if content["exact"]:
        return content, None
    try:
        return content, module.dumps(value)
    except Exception as error:  # the worker's edge: pickling runs the user's code
        failure = explain(error)
        traceback.print_exception(type(error), error, error.__traceback__)
        message = f"its return value can't be pickled: {failure.message}"
        return {**content, **failed(failure), "message": message}, None


def _encode_failure(module: TaskModule, error: BaseException) -> tuple[dict[str, Any], bytes | None]:
    traceback.print_exception(type(error), error, error.__traceback__)
    content = failed(explain(error))
    try:
        return content, module.dumps(error)
    except Exception:  # the worker's edge: it stays as text
        return content, None


def _rotate(files: TaskPaths, leftovers: Iterable[str]) -> None:
    """Put an earlier attempt's files aside; the outcome goes last, so that a cut rotation is taken up again."""
    from hsm_core.store.files import read_json

    target = files.rotated(int(read_json(files.outcome)["attempt"]))
    target.mkdir(exist_ok=True)
    theirs = [Path(path) for path in leftovers]
    for path in (*theirs, files.stdout, files.stderr, files.pickle, files.outcome):
        if path.exists():
            os.replace(path, target / path.name)


def _redirect(files: TaskPaths) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    for path, number in ((files.stdout, 1), (files.stderr, 2)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
        os.dup2(descriptor, number)
        os.close(descriptor)

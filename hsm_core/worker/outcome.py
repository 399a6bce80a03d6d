"""How an attempt ended, as a file in the task's directory."""

from __future__ import annotations

import errno
import os
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hsm_core.model import Reason
from hsm_core.store.files import create_exclusively, read_json, to_json, write_atomically
from hsm_core.store.layout import FORMAT, TaskPaths

#: Longest traceback kept in an event, characters; ``stderr.log`` has all of it.
TRACE_LIMIT = 8000


@dataclass(frozen=True)
class Failure:
    """What an exception means for a task."""

    reason: Reason
    kind: str
    message: str
    trace: str


def explain(error: BaseException) -> Failure:
    """Say why a task failed.

    Args:
        error: as it left the task's function.
    """
    kind = type(error).__qualname__
    module = type(error).__module__
    full = kind if module in ("builtins", "__main__") else f"{module}.{kind}"
    message = f"{full}: {error}" if str(error) else full
    if isinstance(error, SystemExit):
        message = f"the task called sys.exit({error.code!r})"
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return Failure(_reason(error, kind), full, _shorten(message, 2000), _shorten(trace, TRACE_LIMIT))


def _reason(error: BaseException, kind: str) -> Reason:
    if isinstance(error, MemoryError) or kind == "OutOfMemoryError":  # torch.cuda.OutOfMemoryError
        return "oom"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk"
    return "exception"


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit // 3]}\n[…]\n{text[-limit * 2 // 3 :]}"


def open_outcome(directory: TaskPaths, task: int, attempt: int) -> TaskPaths:
    """Take a task's directory for an attempt, by an outcome that says ``running``.

    Returns:
        the task's files: numbered ones if another task has the directory.

    Raises:
        OSError: the disk refuses.
    """
    mark = to_json(
        {"format": FORMAT, "task": task, "attempt": attempt, "state": "running", "pid": os.getpid()}
    )
    if create_exclusively(directory.outcome, mark):
        return directory
    if owner_of(directory) != task and not directory.suffix:
        return open_outcome(TaskPaths(directory.root, f"-{task}"), task, attempt)
    write_atomically(directory.outcome, mark)
    return directory


def owner_of(directory: TaskPaths) -> int | None:
    """The number of the task whose outcome lies here; None if there is none."""
    try:
        return int(read_json(directory.outcome)["task"])
    except (FileNotFoundError, ValueError, KeyError):
        return None


def completed(value: object) -> dict[str, Any]:
    """The outcome of a task that returned ``value``."""
    projection, exact = project(value)
    found: dict[str, Any] = {"state": "completed", "value": projection, "exact": exact}
    if not exact:
        found["repr"] = _shorten(repr(value), 2000)
    return found


def failed(failure: Failure) -> dict[str, Any]:
    """The outcome of a task that raised."""
    return {
        "state": "failed", "reason": failure.reason, "kind": failure.kind, "message": failure.message,
        "trace": failure.trace,
    }  # fmt: skip


def write_outcome(
    files: TaskPaths, task: int, attempt: int, content: Mapping[str, Any], pickled: bytes | None
) -> None:
    """Write an attempt's outcome; the pickle first, so that the outcome never promises what is not there.

    Raises:
        OSError: the disk refuses; the outcome still says ``running``.
    """
    if pickled is not None:
        write_atomically(files.pickle, pickled)
    document = {"format": FORMAT, "task": task, "attempt": attempt, **content, "pickle": pickled is not None}
    write_atomically(files.outcome, to_json(document))


def project(value: object) -> tuple[Any, bool]:
    """A value as JSON, and whether reading that gives the same value again.

    Numbers of numpy and torch become Python's; what JSON can't hold becomes its ``repr``.
    """
    kind: type = type(value)
    if value is None or kind in (bool, int, float, str):
        return value, True
    if isinstance(value, Mapping):
        return _project_mapping(value, kind)
    if isinstance(value, (list, tuple)):
        items = [project(item) for item in value]
        return [item for item, _ in items], kind is list and all(exact for _, exact in items)
    return _project_scalar(value), False


def _project_mapping(value: Mapping[Any, Any], kind: type) -> tuple[dict[str, Any], bool]:
    items = {str(key): project(item) for key, item in value.items()}
    exact = (
        kind is dict and all(type(key) is str for key in value) and all(flag for _, flag in items.values())
    )
    return {key: item for key, (item, _) in items.items()}, exact


def _project_scalar(value: object) -> Any:
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) in ((), [], (1,)):
        value = item()
    if isinstance(value, (bool, int, float, str)):
        return value
    return _shorten(repr(value), 500)

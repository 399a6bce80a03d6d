"""Writes how an attempt ended into a file in the task's directory."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from hsm_core.model import Reason
from hsm_core.store.files import read_json, to_json, write_atomically
from hsm_core.store.layout import FORMAT, TaskPaths
from hsm_core.store.outcomes import Owner

from .frames import cut_frames, where
from .json_value import project, shown

#: Longest message and traceback kept in an event, characters; the log has all of it.
MESSAGE_LIMIT, TRACE_LIMIT = 2000, 8000


@dataclass(frozen=True)
class Failure:
    """Why a task failed, by its exception.

    Args:
        trace: its traceback as text, the app's part of it.
        where: the innermost place of the app in it.
    """

    reason: Reason
    kind: str
    message: str
    trace: str
    where: str


def explain(error: BaseException) -> Failure:
    """Returns why a task failed.

    Args:
        error: as it left the task's function.
    """
    if isinstance(error, MemoryError):
        traceback.clear_frames(error.__traceback__)  # what filled the memory is still held by them
    kind = type(error).__qualname__
    module = type(error).__module__
    full = kind if module in ("builtins", "__main__") else f"{module}.{kind}"
    cut_frames(error)
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return Failure(_reason(error, kind), full, _message(error, full), trace, where(error))


def shorten(text: str, limit: int) -> str:
    """Keeps the beginning and, more of it, the end of a long text."""
    return text if len(text) <= limit else f"{text[: limit // 3]}\n[…]\n{text[-limit * 2 // 3 :]}"


def completed(value: object) -> dict[str, object]:
    """Returns the outcome of a task that returned ``value``."""
    projection, exact = project(value)
    found: dict[str, object] = {"state": "completed", "value": projection, "exact": exact}
    if not exact:
        found["repr"] = shown(value, MESSAGE_LIMIT)
    return found


def unseen(value: object = None) -> dict[str, object]:
    """Returns the outcome of a task that returned a value of which at most the type is known."""
    text = "" if value is None else f"<{type(value).__qualname__} that can't be shown>"
    return {"state": "completed", "value": text or None, "exact": False, "repr": text}


def one_line(error: BaseException) -> str:
    """Returns an exception's kind and the beginning of its message."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001  the worker's edge: the text of an exception is the user's code
        text = ""
    kind = type(error).__qualname__.lstrip("_")
    return f"{kind}: {text[:300]}" if text else kind


def failed(failure: Failure) -> dict[str, object]:
    """Returns the outcome of a task that raised."""
    return {
        "state": "failed", "reason": failure.reason, "kind": failure.kind, "message": failure.message,
        "trace": shorten(failure.trace, TRACE_LIMIT), "where": failure.where,
    }  # fmt: skip


def write_outcome(files: TaskPaths, owner: Owner, content: Mapping[str, object], pickled: bytes | None) -> None:
    """Writes an attempt's outcome, the pickle first, so that the outcome never promises what is not there.

    Raises:
        OSError: the disk refuses; the outcome still says ``running``.
    """
    document = {"format": FORMAT, **owner.facts(), **content, "pickle": pickled is not None}
    data = to_json(document)
    if pickled is not None:
        write_atomically(files.pickle, pickled, private=True)
    write_atomically(files.outcome, data)


def confirm_outcome(files: TaskPaths, owner: Owner) -> None:
    """Makes the value that rank 0 returned the outcome of an attempt, once all other ranks have completed it.

    Raises:
        OSError: the disk refuses, or the outcome is gone; what is there still says ``running``.
        ValueError: it can't be read.
    """
    found = read_json(files.outcome)
    if owner.wrote(found):
        write_atomically(files.outcome, to_json({**found, "state": "completed"}))


def _message(error: BaseException, full: str) -> str:
    if isinstance(error, SystemExit):
        return f"the task called sys.exit({shown(error.code, 200)})"
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  the worker's edge: the text of an exception is the user's code
        text = "no readable message"
    return shorten(f"{full}: {text}" if text else full, MESSAGE_LIMIT)


def _reason(error: BaseException, kind: str) -> Reason:
    if isinstance(error, MemoryError) or kind == "OutOfMemoryError":  # torch.cuda.OutOfMemoryError
        return "oom"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk"
    return "exception"

"""Tells whose outcome lies in a task's directory: several sweeps may use one directory, one after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hsm_core.parsing import attempt, identifier, task, text

from .event_codec import now
from .events import DETAILS, End
from .files import Document, read_json
from .layout import TaskPaths

#: Bytes of an outcome: a value of 100,000 parts, each on a line.
_MOST_BYTES = 12 * 1024**2


@dataclass(frozen=True)
class Owner:
    """The attempt whose files lie in a task's directory.

    Args:
        sweep: the sweep's id.
        is_over: it has written down how it ended.
    """

    sweep: str
    task: int
    attempt: int
    is_over: bool = False

    def facts(self) -> dict[str, str | int]:
        """Returns the entries by which an outcome names its attempt."""
        return {"sweep": self.sweep, "task": self.task, "attempt": self.attempt}

    def wrote(self, outcome: Mapping[str, object]) -> bool:
        """Returns whether an outcome is this attempt's."""
        return all(outcome.get(name) == value for name, value in self.facts().items())


def owner_of(files: TaskPaths) -> Owner | None:
    """Returns the attempt whose outcome lies here; None if there is none, or it can't be read."""
    try:
        found = read_json(files.outcome, _MOST_BYTES)
        is_over = text(found["state"]) != "running"
        return Owner(identifier(found["sweep"]), task(found["task"]), attempt(found["attempt"]), is_over)
    except (FileNotFoundError, ValueError, KeyError):
        return None


def read_outcome(files: TaskPaths, owner: Owner) -> Document | None:
    """Returns the outcome that an attempt wrote; None if it did not get that far, or it can't be read."""
    try:
        found = read_json(files.outcome, _MOST_BYTES)
    except (OSError, ValueError):
        return None
    is_over = found.get("state") in ("completed", "failed")
    return found if is_over and owner.wrote(found) else None


def adopted_end(owner: Owner, outcome: Document) -> End:
    """Returns the end that an outcome on disk stands for, where its worker died before it could report.

    Raises:
        KeyError, ValueError: the outcome is damaged.
    """
    words = {name: outcome.get(name) for name in ("state", "reason", "message", *DETAILS)}
    return End.from_json({"t": owner.task, "a": owner.attempt, "adopted": True, "at": now(), **words})

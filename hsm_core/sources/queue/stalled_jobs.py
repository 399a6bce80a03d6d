"""Jobs that will never start, or not before somebody lets them, by the ids that a user can type."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from hsm_core.schedulers.interface import JobStatus
from hsm_core.store.state.jobs import SubmissionState

#: Elements of an array that a warning names.
_MOST_NAMED = 3


class Held(NamedTuple):
    """Why a job waits until somebody lets it start, and the line with which its user can; empty if not."""

    why: str
    until: str
    remedy: str


class Stalled:
    """Jobs that were seen to wait for good.

    Attributes:
        hopeless: why jobs, elements or arrays never start, by their ids.
        held: of those that somebody can let start.
    """

    def __init__(self) -> None:
        self.hopeless: dict[str, str] = {}
        self.held: dict[str, Held] = {}

    def take(self, seen: Iterable[tuple[SubmissionState, str, JobStatus]]) -> None:
        """Take in elements of submissions that one answer shows so."""
        lines: dict[str, SubmissionState] = {}
        hopeless: dict[tuple[str, str], set[str]] = defaultdict(set)
        held: dict[tuple[str, Held], set[str]] = defaultdict(set)
        for line, element, status in seen:
            lines[line.name] = line
            if status.until:
                held[line.name, Held(status.why, status.until, status.remedy)].add(element)
            else:
                hopeless[line.name, status.why].add(element)
        self.hopeless |= {_listed(lines[name], elements): why for (name, why), elements in hopeless.items()}
        self.held |= {_listed(lines[name], elements): what for (name, what), elements in held.items()}


def _listed(line: SubmissionState, elements: set[str]) -> str:
    """The first of them by their ids, and how many more."""
    ids = named(line, elements)
    more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
    return ", ".join(ids[:_MOST_NAMED]) + more


def named(line: SubmissionState, elements: set[str]) -> list[str]:
    """Elements of an array by their ids; all of them as the array."""
    whole = len(elements) == len({key for key, _ in line.batches()})
    return [line.native_id] if whole else sorted(elements, key=lambda name: (len(name), name))

"""Checks, before it is believed, what the journal of a worker on another machine says.

What a host sends is somebody else's word: its workers speak of the tasks that they were given, and of nothing else;
no path in their words leads out of the sweep's directory, or into what hsm itself keeps there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hsm_core.errors import HostTrouble
from hsm_core.hosts.interface import Found
from hsm_core.store import events
from hsm_core.store.event_codec import Event, from_line
from hsm_core.store.state.line_scan import scan

from ..interface import Pair

#: What a worker may say of itself.
_OF_ITSELF = (
    events.WorkerHead, events.Ready, events.Broken, events.Beat, events.Warned, events.Expired, events.Trouble,
    events.Seal,
)  # fmt: skip
_ATTEMPT = re.compile(r"attempt-\d+[\w-]*", re.ASCII)
#: Ours in a task's folder that may come home: never what a later attempt would load, such as a checkpoint.
_RESULTS = re.compile(r"(?:outcome[\w-]*\.(?:json|pkl)|(?:stdout|stderr)[\w-]*\.log)", re.ASCII)
_HSM = ".hsm"


@dataclass(frozen=True)
class WorkerWords:
    """Checks the words of a worker on another machine by what is known of it.

    Args:
        worker: its name.
        source, host: whose it is, and where.
    """

    worker: str
    source: str
    host: str

    def checked(self, lines: bytes, given: Mapping[str, Collection[Pair]]) -> Iterator[Event]:
        """Yields the events of whole lines; damaged lines, which every reader passes over, yield nothing.

        Args:
            given: tasks and their attempts that it was given, by submission.

        Raises:
            HostTrouble: something that a worker of this source would not say, or that two readers could read in two
                ways.
        """
        for line in lines.split(b"\n"):
            if not line:
                continue
            try:
                event = from_line(line)
            except (KeyError, ValueError):
                event = None
            self._require_one_reading(line, event)
            if event is not None:
                self._require_own(event, given)
                yield event

    def _require_one_reading(self, line: bytes, event: Event | None) -> None:
        """The quick scan of starts and ends must find what the parser finds."""
        for _, end, task, attempt, state in scan(line):
            if not task:
                continue
            said = isinstance(event, events.End if end else events.Start)
            numbers = isinstance(event, (events.Start, events.End)) and (event.task, event.attempt)
            same_state = not end or (isinstance(event, events.End) and event.state.encode() == state)
            if not (said and numbers == (int(task), int(attempt)) and same_state):
                raise self._refused(line)

    def _require_own(self, event: Event, given: Mapping[str, Collection[Pair]]) -> None:
        if isinstance(event, events.WorkerHead):
            is_own = (event.id, event.source, event.process.host) == (self.worker, self.source, self.host)
        elif isinstance(event, events.Claimed):
            pairs = given.get(event.batch.rpartition("/")[0], ())
            is_own = bool(event.tasks) and all(pair in pairs for span in event.tasks for pair in span)
        elif isinstance(event, (events.Start, events.End, events.Lost, events.Cancel)):
            is_own = any((event.task, event.attempt) in pairs for pairs in given.values())
            is_own &= not isinstance(event, events.Start) or is_task_folder(event.directory)
        else:
            is_own = isinstance(event, _OF_ITSELF)
        if not is_own:
            raise self._refused(repr(event).encode())

    def _refused(self, said: bytes) -> HostTrouble:
        return HostTrouble(
            f"{self.host} says of its tasks what can't be believed", evidence=f"{self.worker}: {said[:200]!r}",
            fix="hsm-status    # its tasks' files are still there; look at the machine itself",
        )  # fmt: skip


def is_task_folder(name: str) -> bool:
    """Returns whether a path of a ``start`` event is a folder below the sweep's directory, and none of ours."""
    path = Path(name)
    is_below = bool(path.parts) and not path.is_absolute() and ".." not in path.parts
    return is_below and _HSM not in path.parts


def is_result(found: Found) -> bool:
    """Returns whether what is in a task's folder comes home: all that the app wrote; of ours, the results.

    A nested ``.hsm`` is no result: a record in it could be taken for a sweep of the user's own.
    """
    parts = found.name.parts
    if _HSM not in parts:
        return True
    return found.kind == "file" and _is_ours(parts)


def _is_ours(parts: tuple[str, ...]) -> bool:
    if not parts or _HSM not in parts:
        return bool(parts)
    if parts[0] != _HSM or len(parts) < 2:
        return False
    if len(parts) == 2:
        return bool(_RESULTS.fullmatch(parts[1]))
    return bool(_ATTEMPT.fullmatch(parts[1])) and _is_ours(parts[2:])

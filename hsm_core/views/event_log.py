"""Lists the events of a sweep in order, from all its workers, a line each."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hsm_core.model import counted
from hsm_core.safe_open import open_output
from hsm_core.store import events
from hsm_core.store.event_codec import Event
from hsm_core.store.journal import JournalReader
from hsm_core.store.layout import SweepPaths

from .failures.reasons import message_of, refusal_words
from .text import clean, duration

#: Bytes of a log that are read at once.
_AT_ONCE = 2**20
#: What becomes of the tasks after a signal or Ctrl-C.
_INTERRUPTED = {"cancel": "the tasks are ended", "kill": "the tasks are killed", "detach": "the tasks go on"}
#: What a source is given from now on.
_STANDING = {
    "well": "is well again", "degraded": "gets fewer tasks", "disabled": "gets no tasks for now",
    "drained": "gets no more tasks",
}  # fmt: skip
#: So many reasons against forks are told.
_REASONS = 3


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One event as a line for people.

    Args:
        at: seconds since 1970, by the writer's clock.
        event: its kind, see ``store.events``.
    """

    at: float
    writer: str
    event: str
    text: str

    def __str__(self) -> str:
        return f"{_clock(self.at)}  {self.text}"


class EventLog:
    """The events of a sweep that interest a reader; returns each of them once."""

    def __init__(self, paths: SweepPaths) -> None:
        self._paths = paths
        self._who: dict[str, str] = {}
        self._sizes: dict[str, int] = {}
        self._sources: dict[str, str] = {}
        self._readers: dict[str, JournalReader] = {}

    def read_new(self) -> list[LoggedEvent]:
        """Returns the events since the last call, ordered by the writers' clocks.

        Raises:
            OSError: the events can't be read.
        """
        found: list[LoggedEvent] = []
        later: list[tuple[float, str, events.HandedOver]] = []
        for name in self._names():
            for at, event in self._read(name):
                if isinstance(event, events.HandedOver):  # what was submitted, another journal may say
                    later.append((at, name, event))
                elif text := self._tell(name, event):
                    found.append(LoggedEvent(at, name, event.tag, text))
        found += [LoggedEvent(at, name, event.tag, self._handed_over(event)) for at, name, event in later]
        found.sort(key=lambda one: one.at)
        return found

    def _names(self) -> Iterable[str]:
        return sorted(path.stem for path in self._paths.events.glob("*.jsonl"))

    def _read(self, name: str) -> Iterator[tuple[float, Event]]:
        """Yields new events with their times (seconds since 1970); an event without one gets the time before it."""
        reader = self._readers.setdefault(name, JournalReader(self._paths.journal(name)))
        last = 0.0
        while data := reader.read_lines():
            for line in data.split(b"\n"):
                if line and (event := reader.parse(line)) is not None:
                    self._note(name, event)
                    last = max(last, event.at)
                    yield last, event

    def _note(self, name: str, event: Event) -> None:
        if isinstance(event, events.WorkerHead):
            self._who[name] = f"worker {name}"
        elif isinstance(event, events.ConductorHead):
            self._who[name] = event.by or "launcher"
        elif isinstance(event, events.Submit):
            self._sizes[event.submission] = sum(span.count for span in event.tasks)
            self._sources[event.submission] = event.source

    def _tell(self, name: str, event: Event) -> str:
        """Returns an event as a line, with the path of its log or its job's files, or the number of its tasks."""
        writer, told = self._who.get(name, name), ""
        if isinstance(event, events.WorkerHead):
            log = self._paths.logs / event.log if event.log else self._paths.worker_log(name)
            told = f" ({os.path.relpath(log, self._paths.root)})"
        return tell(writer, event) + clean(told)

    def _handed_over(self, event: events.HandedOver) -> str:
        submitted = counted(self._sizes.get(event.submission, 0), "task", "was", "were")
        files = os.path.relpath(self._paths.hsm / event.submission, self._paths.root)
        known_as = f" as {event.native_id}" if event.native_id else ""
        source = self._sources.get(event.submission, "")
        to = f" to {source}" if len(set(self._sources.values())) > 1 else ""
        return clean(f"{submitted} submitted{to}{known_as} ({files})")


def tell(writer: str, event: Event) -> str:
    """Returns an event as a line; empty if it is of no interest to a reader.

    Args:
        writer: what it is called: ``launcher``, ``worker local-1``.
    """
    return clean(_of_task(event) or _of_submission(event) or _of_writer(writer, event))


def _of_task(event: Event) -> str:
    if not isinstance(event, (events.Start, events.End, events.Lost, events.Cancel)):
        return ""
    task = f"task {event.task}" + (f" (attempt {event.attempt})" if event.attempt > 1 else "")
    match event:
        case events.Start():
            return f"{task} started in {event.directory}"
        case events.End():
            return f"{task} {event.state}{_how(event)}"
        case events.Lost():
            return f"{task} lost: {event.evidence}"
        case events.Cancel():
            return f"{task} cancelled"


def _of_submission(event: Event) -> str:
    match event:
        case events.Waits():
            return event.message
        case events.Refusal():
            return f"a submission was refused: {refusal_words(event)}"
        case events.SourceStanding():
            why = f": {event.why}" if event.why else ""
            return f"{event.name} {_STANDING.get(event.standing, event.standing)}{why}"
        case events.Gone(reason="launch", state="lost"):  # taken back; of the others each task tells
            return f"{counted(sum(span.count for span in event.tasks), 'task')}: {event.evidence}"
        case events.Withdrawn():
            return f"a submission was withdrawn: {event.message}"
        case events.Interrupted():
            return f"interrupted: {_INTERRUPTED.get(event.how, event.how)}"
        case _:
            return ""


def _of_writer(writer: str, event: Event) -> str:
    match event:
        case events.WorkerHead():
            return f"{writer} started on {event.process.host} with {counted(event.slots, 'slot')}"
        case events.ConductorHead():
            return f"{writer} started on {event.process.host} (process {event.process.pid})"
        case events.Ready():
            return f"{writer} imported the app in {event.seconds:.1f} s{_about_forks(event)}"
        case events.Broken():
            return f"{writer} could not import the app: {event.message}"
        case events.Trouble():
            return f"{writer}: {event.message}"
        case events.Seal():
            return f"{writer} ended"
        case _:
            return ""


def against_forks(ready: events.Ready) -> str:
    """Returns why the app should not be forked, and the consequence; empty if nothing speaks against forks."""
    found = ready.against_forks
    if not found:
        return ""
    more = f"; and {len(found) - _REASONS} more" if len(found) > _REASONS else ""
    why = "; ".join(map(clean, found[:_REASONS])) + more
    if ready.mode == "spawn":
        return f"each task gets a fresh interpreter: {why}"
    return f"warning: forked tasks may not be independent: {why}\n  fix: hydra.launcher.isolation=spawn"


def _about_forks(ready: events.Ready) -> str:
    told = against_forks(ready).partition("\n")[0]
    return f"; {told}" if told else ""


def begin_within(path: Path, most: int) -> int:
    """Returns the offset in bytes after which a log has not more than ``most`` left; 0 where there is no file."""
    try:
        return max(0, os.stat(path, follow_symlinks=False).st_size - most)
    except OSError:
        return 0


def tail(path: Path, offset: int) -> tuple[str, int]:
    """Returns some text of a log from an offset in bytes on, and the next offset; no text while there is no file.

    Raises:
        StoreError: it is no regular file.
        OSError: it can't be read.
    """
    try:
        with open_output(path, most=sys.maxsize) as stream:
            stream.seek(offset)
            data = stream.read(_AT_ONCE)
    except FileNotFoundError:
        return "", offset
    whole = data[: _last_character(data)]
    return whole.decode("utf-8", "replace"), offset + len(whole)


def _last_character(data: bytes) -> int:
    """Returns where the last whole character of UTF-8 ends, if more of the text is to come."""
    if len(data) < _AT_ONCE:
        return len(data)
    start = next((back for back in range(1, 4) if data[-back] & 0xC0 == 0xC0), 0)
    return len(data) - start if start and data[-start] >= (0xC0, 0xE0, 0xF0)[start - 1] else len(data)


def _how(end: events.End) -> str:
    took = f" after {duration(end.wall)}" if end.wall is not None else ""
    if end.reason is not None and end.reason == end.state:  # cancelled
        return f"{took}: {message_of(end).removeprefix(f'{end.state} ')}"
    return took + (f": {end.reason}, {message_of(end)}" if end.reason else "")


def _clock(at: float) -> str:
    return f"{datetime.datetime.fromtimestamp(at):%m-%d %H:%M:%S}"

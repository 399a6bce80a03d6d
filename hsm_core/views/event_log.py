"""What happened in a sweep, in order, from all its workers."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsm_core.model import Span, counted
from hsm_core.store.journal import JournalReader
from hsm_core.store.layout import SweepPaths

from .failures.reasons import message_of, refusal_words
from .text import clean, duration

Line = dict[str, Any]
#: So many reasons against forks are told.
_REASONS = 3


@dataclass(frozen=True)
class Told:
    """One event, for people.

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


class Story:
    """The events of a sweep that a reader cares for, each told once."""

    def __init__(self, paths: SweepPaths) -> None:
        self._paths = paths
        self._who: dict[str, str] = {}
        self._sizes: dict[str, int] = {}
        self._readers: dict[str, JournalReader] = {}

    def news(self) -> list[Told]:
        """What is to be told of what happened since the last call, by the writers' clocks.

        Raises:
            OSError: the events can't be read.
        """
        found = [(event.get("at", 0.0), name, event) for name in self._names() for event in self._read(name)]
        found.sort(key=lambda item: item[0])
        told = [(at, name, event["e"], tell(self._who.get(name, name), event)) for at, name, event in found]
        return [Told(at, name, kind, text) for at, name, kind, text in told if text]

    def _names(self) -> Iterable[str]:
        return sorted(path.stem for path in self._paths.events.glob("*.jsonl"))

    def _read(self, name: str) -> Iterator[Line]:
        reader = self._readers.setdefault(name, JournalReader(self._paths.journal(name)))
        last = 0.0
        for event in reader.read_new():
            last = max(last, float(event.get("at", last)))
            yield {**event, **self._beside(name, event), "at": last}

    def _beside(self, name: str, event: Line) -> Line:
        """What is to be told with an event: where its log or its job's files are, and of how many tasks it is."""
        if event["e"] == "worker":
            self._who[name] = f"worker {name}"
            log = self._paths.logs / event["log"] if event.get("log") else self._paths.worker_log(name)
            return {"path": os.path.relpath(log, self._paths.root)}
        if event["e"] == "conductor":
            self._who[name] = str(event.get("by") or "launcher")
        if event["e"] == "submit":
            self._sizes[event["submission"]] = sum(Span(*span).count for span in event["tasks"])
        if event["e"] == "handed":
            files = os.path.relpath(self._paths.hsm / event["submission"], self._paths.root)
            return {"path": files, "count": self._sizes.get(event["submission"], 0)}
        return {}


def tell(writer: str, event: Line) -> str:
    """One event in a line; empty if it is of no interest.

    Args:
        writer: what it is called: ``launcher``, ``worker local-1``.
        event: with its ``path`` and ``count`` (of tasks), where it has them.
    """
    kind, task = event["e"], f"task {event.get('t')}"
    if event.get("a", 1) > 1:
        task += f" (attempt {event['a']})"
    told = {
        "worker": lambda: f"{writer} started on {event.get('host')} with {_slots(event)}{_in(event)}",
        "ready": lambda: f"{writer} imported the app in {float(event.get('seconds', 0)):.1f} s{_about_forks(event)}",
        "broken": lambda: f"{writer} could not import the app: {event.get('message')}",
        "start": lambda: f"{task} started in {event.get('dir')}",
        "end": lambda: f"{task} {event.get('state')}{_how(event)}",
        "trouble": lambda: f"{writer}: {event.get('message')}",
        "waits": lambda: str(event.get("message")),
        "conductor": lambda: f"{writer} started on {event.get('host')} (process {event.get('pid')})",
        "handed": lambda: f"{_tasks(event)} submitted{_known_as(event)}{_in(event)}",
        "refused": lambda: f"a submission was refused: {refusal_words(event)}",
        "withdrawn": lambda: f"a submission was withdrawn: {event.get('message')}",
        "lost": lambda: f"{task} lost: {event.get('evidence')}",
        "cancel": lambda: f"{task} cancelled before it started",
        "interrupted": lambda: f"interrupted: {event.get('how')}",
        "seal": lambda: f"{writer} ended",
    }.get(kind)
    return clean(told()) if told else ""


def against_forks(ready: Line) -> str:
    """What the app has against forks, and what follows; empty if nothing."""
    found = [str(why) for why in ready.get("against_forks", ())]
    if not found:
        return ""
    why = "; ".join(found[:_REASONS]) + (f"; and {len(found) - _REASONS} more" if len(found) > _REASONS else "")
    if ready.get("mode") == "spawn":
        return f"each task gets a fresh interpreter: {why}"
    return f"warning: forked tasks may not be independent: {why}\n  try: hydra.launcher.isolation=spawn"


def _about_forks(ready: Line) -> str:
    told = against_forks(ready).partition("\n")[0]
    return f"; {told}" if told else ""


def _slots(event: Line) -> str:
    return counted(int(event.get("slots") or 0), "slot")


def _in(event: Line) -> str:
    return f" ({event['path']})" if event.get("path") else ""


def _tasks(event: Line) -> str:
    return counted(event.get("count", 0), "task", "was", "were")


def _known_as(event: Line) -> str:
    return f" as {event['native_id']}" if event.get("native_id") else ""


def tail(path: Path, offset: int) -> tuple[str, int]:
    """The text of a log from an offset in bytes on, and the next offset; nothing while there is no file."""
    try:
        with open(path, "rb") as stream:
            stream.seek(offset)
            data = stream.read()
    except FileNotFoundError:
        return "", offset
    return data.decode("utf-8", "replace"), offset + len(data)


def _how(event: Line) -> str:
    took = f" after {duration(event['wall'])}" if "wall" in event else ""
    reason, state = event.get("reason"), str(event.get("state"))
    if reason == state:  # cancelled
        return f"{took}: {message_of(event).removeprefix(f'{state} ')}"
    return took + (f": {reason}, {message_of(event)}" if reason else "")


def _clock(at: float) -> str:
    return f"{datetime.datetime.fromtimestamp(at):%m-%d %H:%M:%S}"

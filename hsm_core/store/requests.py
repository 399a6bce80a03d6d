"""Passes requests to a running sweep, as files that its workers and conductor read at each beat."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from hsm_core import parsing
from hsm_core.model import Span

from .files import MOST_LISTED, nonce, read_json, to_json, write_atomically
from .layout import SweepPaths


def request_cancel(paths: SweepPaths, tasks: Iterable[Span] | None) -> None:
    """Asks for tasks to be cancelled; None asks for all. Later launches, by a resume, are not affected.

    Raises:
        OSError: the disk refuses.
    """
    spans = None if tasks is None else [span.to_json() for span in tasks]
    content = {"ask": "cancel", "tasks": spans, "launches": launches_of(paths)}
    write_atomically(paths.requests / f"cancel-{nonce()}.json", to_json(content))


def request_drain(paths: SweepPaths, sources: Sequence[str]) -> None:
    """Asks for sources to be given nothing more. Later launches, by a resume, are not affected.

    Raises:
        OSError: the disk refuses.
    """
    content = {"ask": "drain", "sources": list(sources), "launches": launches_of(paths)}
    write_atomically(paths.requests / f"drain-{nonce()}.json", to_json(content))


def launches_of(paths: SweepPaths) -> list[str]:
    """Returns the names of all launches so far, those of a resume among them."""
    return sorted(name for name in os.listdir(paths.hsm) if name.startswith("launch-"))


def asked_to_end(paths: SweepPaths) -> Callable[[str, int], bool]:
    """Reads all requests there are now, and returns a function that tells whether a task was to be cancelled.

    Returns:
        A function of a launch's name and a task's number.
    """
    meant = [found for name in _names(paths) if (found := _read(paths.requests / name))]

    def is_asked(launch: str, task: int) -> bool:
        return any(
            launch in launches
            and (spans is None or any(span.first <= task < span.first + span.count for span in spans))
            for launches, spans in meant
        )

    return is_asked


def _names(paths: SweepPaths) -> list[str]:
    found = os.listdir(paths.requests) if paths.requests.is_dir() else []
    return sorted(name for name in found if name.endswith(".json") and not name.startswith("."))


def _read(path: Path) -> tuple[frozenset[str], tuple[Span, ...] | None] | None:
    """Returns the launches and the tasks that a request means; None if it is damaged, and asks for nothing."""
    try:
        found = read_json(path, MOST_LISTED)
        launches = frozenset(parsing.each(parsing.launch)(found["launches"]))
        return launches, parsing.maybe(parsing.spans)(found["tasks"])
    except (OSError, KeyError, ValueError):
        return None


def _read_drain(path: Path, launch: str) -> Sequence[str]:
    """Returns the sources that a request wants drained; none if it is damaged or of another launch."""
    try:
        found = read_json(path, MOST_LISTED)
        is_meant = launch in parsing.each(parsing.launch)(found["launches"])
        return parsing.texts(found["sources"]) if is_meant else ()
    except (OSError, KeyError, ValueError):
        return ()


class RequestReader:
    """Reads each request once."""

    def __init__(self, paths: SweepPaths) -> None:
        self._paths = paths
        self._seen: set[str] = set()
        self._drained: list[str] = []

    def read_new(self, launch: str) -> list[tuple[Span, ...] | None]:
        """Returns the tasks of new requests to cancel; None stands for all tasks.

        Args:
            launch: name of the newest launch that the reader works on; requests from before it are not meant.
        """
        found: list[tuple[Span, ...] | None] = []
        for name in _names(self._paths):
            if name not in self._seen:
                self._seen.add(name)
                if name.startswith("drain-"):
                    self._drained += _read_drain(self._paths.requests / name, launch)
                request = _read(self._paths.requests / name)
                if request and launch in request[0]:
                    found.append(request[1])
        return found

    def take_drained(self) -> list[str]:
        """Returns the sources of new requests, as ``read_new`` found them, that get nothing more."""
        found, self._drained = self._drained, []
        return found

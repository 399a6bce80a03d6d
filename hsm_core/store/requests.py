"""What others ask of a running sweep, as files that its workers and conductor read at each beat."""

from __future__ import annotations

import os
from collections.abc import Iterable

from hsm_core.model import Span

from .files import nonce, read_json, to_json, write_atomically
from .layout import SweepPaths


def request_cancel(paths: SweepPaths, tasks: Iterable[Span] | None) -> None:
    """Ask for an end of tasks; None asks for all. What is launched later, by a resume, is not meant.

    Raises:
        OSError: the disk refuses.
    """
    spans = None if tasks is None else [span.to_json() for span in tasks]
    meant = sorted(name for name in os.listdir(paths.hsm) if name.startswith("launch-"))
    content = {"ask": "cancel", "tasks": spans, "launches": meant}
    write_atomically(paths.requests / f"cancel-{nonce()}.json", to_json(content))


class RequestReader:
    """Reads each request once."""

    def __init__(self, paths: SweepPaths) -> None:
        self._paths = paths
        self._seen: set[str] = set()

    def read_new(self, launch: str) -> list[tuple[Span, ...] | None]:
        """The tasks of new requests to cancel; None stands for all tasks.

        Args:
            launch: name of the newest launch that the reader works on; requests from before it are not meant.
        """
        found: list[tuple[Span, ...] | None] = []
        for name in sorted(os.listdir(self._paths.requests)):
            if name.endswith(".json") and not name.startswith(".") and name not in self._seen:
                self._seen.add(name)
                request = read_json(self._paths.requests / name)
                if launch in request["launches"]:
                    spans = request["tasks"]
                    found.append(None if spans is None else tuple(Span(*span) for span in spans))
        return found

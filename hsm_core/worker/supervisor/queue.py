"""Queues attempts that wait for a slot; a hundred thousand of them are a few spans."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hsm_core.model import Span


@dataclass(frozen=True)
class Pending:
    """An attempt that waits; ``boot`` is the ``boot.json`` of its launch."""

    task: int
    attempt: int
    boot: Path


class AttemptQueue:
    """A queue of attempts, in the order in which they came."""

    def __init__(self) -> None:
        self._spans: deque[tuple[Path, Span]] = deque()

    def __len__(self) -> int:
        return sum(span.count for _, span in self._spans)

    def __bool__(self) -> bool:
        return bool(self._spans)

    def add(self, boot: Path, found: Iterable[Span]) -> None:
        """Adds attempts of a launch at the end."""
        self._spans.extend((boot, span) for span in found if span.count)

    def first(self) -> Pending:
        """Returns the next attempt, which stays in the queue."""
        boot, span = self._spans[0]
        return Pending(span.first, span.attempt, boot)

    def take(self) -> Pending:
        """Removes the next attempt from the queue and returns it."""
        taken = self.first()
        boot, span = self._spans.popleft()
        if span.count > 1:
            self._spans.appendleft((boot, Span(span.first + 1, span.count - 1, span.attempt)))
        return taken

    def drop(
        self, tasks: Span | None = None, *, boot: Path | None = None, below: int | None = None
    ) -> list[Span]:
        """Removes attempts from the queue.

        Args:
            tasks: these tasks, whatever their attempt; None means all.
            boot: of this launch only.
            below: attempts with a lower number only.

        Returns:
            what was taken out.
        """
        kept: deque[tuple[Path, Span]] = deque()
        dropped: list[Span] = []
        for theirs, span in self._spans:
            meant = boot in (None, theirs) and (below is None or span.attempt < below)
            inside, outside = cut(span, tasks) if meant else ([], [span])
            dropped += inside
            kept.extend((theirs, part) for part in outside)
        self._spans = kept
        return dropped


def cut(span: Span, tasks: Span | None) -> tuple[list[Span], list[Span]]:
    """Returns the parts of ``span`` inside and outside of ``tasks``."""
    if tasks is None:
        return [span], []
    end = span.first + span.count
    begin = min(max(span.first, tasks.first), end)
    stop = max(min(end, tasks.first + tasks.count), begin)
    parts = [(span.first, begin), (begin, stop), (stop, end)]
    before, inside, after = (
        [Span(first, last - first, span.attempt)] if last > first else [] for first, last in parts
    )
    return inside, before + after

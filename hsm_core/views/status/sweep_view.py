"""Gathers what is shown of one sweep; its text and its JSON only format that."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hsm_core.model import State
from hsm_core.overrides import quoted
from hsm_core.store.disk import FULL, is_full
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.state.task_state import WriterState
from hsm_core.store.sweeps.catalogue import original_of

from ..failures.by_cause import FailureGroup, group_failures
from ..failures.not_begun import group_unbegun, unbegun_line
from ..failures.refusals import refusal_group
from ..lines_to_copy.next_command import next_command
from .host_view import HostView, read_hosts
from .left_view import LeftView, read_left_views
from .phase import Phase, phase_of
from .rate import UNKNOWN, Pace, pace
from .source_view import SourceView, read_sources


@dataclass(frozen=True)
class SilentWorker:
    """A worker on another host, of which nobody here can know whether it lives.

    Args:
        seconds: since its last word, by our clock and its own.
        running: tasks that it has begun and not ended.
    """

    worker: str
    host: str
    seconds: float
    running: int


@dataclass(frozen=True)
class SweepView:
    """A sweep as it is shown.

    Args:
        failures, unbegun: what failed, and what was not begun, by cause; the latter is among ``troubles`` too.
        waits: why jobs wait, with how many do.
        refused: the tasks that its scheduler refused, unless something was accepted since; of the failures, too.
        full: it runs, and its disk has no room.
        hosts: its machines behind SSH, while it runs.
        left: files that stay on them.
        sources: its sources, where it has several.
    """

    state: SweepState
    counts: Counter[State]
    phase: Phase
    pace: Pace
    failures: list[FailureGroup]
    unbegun: list[FailureGroup]
    silent: list[SilentWorker]
    troubles: list[str]
    waits: Counter[str]
    refused: FailureGroup | None = None
    full: bool = False
    hosts: Sequence[HostView] = ()
    left: Sequence[LeftView] = ()
    sources: Sequence[SourceView] = ()

    @property
    def next(self) -> str:
        """Returns the line to type next."""
        if self.phase == "running" and (original := self.original):
            return f"hsm-status {quoted(str(original))}"
        if self.refused is not None and self.phase != "running":
            return self.refused.suggestion
        if self.full:
            return f"df -h {quoted(str(self.state.paths.root))}    # the sweep goes on once there is room"
        return next_command(self.state.record, self.counts, self.phase)

    @property
    def original(self) -> Path | None:
        """Returns the directory that this one was copied from, if the sweep is still there."""
        return original_of(self.state.paths, self.state.record)

    @property
    def moved(self) -> bool:
        """Returns whether the sweep lies elsewhere than where it was made, and is no copy of one that is there."""
        return not self.original and Path(self.state.record.dir).resolve() != self.state.paths.root.resolve()


def read_view(state: SweepState, ask: Callable[[SweepState], str] | None = None) -> SweepView:
    """Reads what is new and gathers what is shown.

    Args:
        ask: asks schedulers about the sweep's jobs; returns what is to be said if they don't answer.

    Raises:
        OSError: the sweep's files can't be read.
    """
    state.refresh()
    unanswered = ask(state) if ask is not None else ""
    if state.jobs:
        state.refresh()  # what workers wrote before their jobs ended
    counts = state.counts()
    phase = phase_of(state, counts)
    full = phase == "running" and is_full(state.paths.root)
    now = UNKNOWN if full or phase != "running" else pace(state, counts)
    refused = refusal_group(state) if counts["pending"] else None
    failures = group_failures(state) if counts["failed"] or counts["lost"] else []
    failures = [*([refused] if refused else []), *failures]
    unbegun = group_unbegun(state) if counts["pending"] else []
    held = _unsubmitted(state) if phase == "running" and not counts["running"] else ()
    troubles = [*([FULL] if full else []), *([unanswered] if unanswered else []), *held, *_troubles(state)]
    troubles += map(unbegun_line, unbegun)
    return SweepView(
        state, counts, phase, now, failures, unbegun, _silent(state), troubles, _waits(state), refused, full,
        read_hosts(state) if phase == "running" else (), read_left_views(state),
        read_sources(state),
    )  # fmt: skip


def _waits(state: SweepState) -> Counter[str]:
    """Returns why jobs wait, in the scheduler's words, with the number of jobs."""
    return Counter(word.why for word in state.jobs.words.values() if word.phase == "waiting" and word.why)


def _silent(state: SweepState) -> list[SilentWorker]:
    busy = Counter(task.worker for task in state.tasks.values() if task.state == "running")
    foreign = [
        writer for writer in state.workers()
        if not writer.sealed and busy[writer.name] and not writer.is_here and not _is_of_host(state, writer)
    ]  # fmt: skip
    now = time.time()
    return [
        SilentWorker(writer.name, writer.host, max(0.0, now - writer.last_at), busy[writer.name])
        for writer in foreign
    ]


def _is_of_host(state: SweepState, writer: WriterState) -> bool:
    """Returns whether a worker is told of with its machine."""
    source = state.sources.get(writer.as_worker.source) if writer.as_worker else None
    return source is not None and source.kind == "host"


def _unsubmitted(state: SweepState) -> Iterator[str]:
    """Yields why a living conductor has tasks that it does not submit."""
    for writer in state.writers.values():
        if writer.waits and not state.death_of(writer.name):
            yield writer.waits


def _troubles(state: SweepState) -> list[str]:
    """Returns the troubles of workers that no task reports."""
    found = [f"{name}: {writer.trouble}" for name, writer in state.writers.items() if writer.trouble]
    return found + [
        f"{name}: {writer.broken.message}" for name, writer in state.writers.items() if writer.broken
    ]

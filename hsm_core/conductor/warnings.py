"""Warns whoever watches a sweep of what goes wrong around its tasks, once of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from hsm_core.overrides import quoted
from hsm_core.sources.job_monitor import JobMonitor
from hsm_core.store.disk import FULL, is_full
from hsm_core.store.state.jobs import NO_WORKER, SETUP_ENDED, SETUP_FAILED
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.event_log import against_forks
from hsm_core.views.text import clean


class Troubles:
    """Remembers what was warned of, and tells what is new.

    Args:
        monitors: know of jobs that will never start, and of a scheduler that does not answer.

    Attributes:
        is_full: the sweep's disk was full when it was last checked.
    """

    def __init__(self, state: SweepState, monitors: Sequence[JobMonitor]) -> None:
        self._state, self._monitors = state, monitors
        self._told: set[tuple[str, str]] = set()
        self.is_full = False

    def tell(self, say: Callable[[str], None]) -> None:
        """Warn of what is new; of a full disk each time that it fills."""
        was_full, self.is_full = self.is_full, is_full(self._state.paths.root)
        if self.is_full and not was_full:
            say(f"warning: {FULL}")
        for about in self._seen():
            if about[1] and about not in self._told:
                self._told.add(about)
                say(about[1])

    def _seen(self) -> Iterator[tuple[str, str]]:
        """Who or what it is about, and the words; these may be empty."""
        for worker in self._state.workers():
            yield worker.name, worker.trouble and f"warning: {clean(worker.trouble)}"
            yield "", against_forks(worker.ready) if worker.ready else ""
        for monitor in self._monitors:
            yield from _seen_by(monitor)
        for word in self._state.jobs.words.values():
            if word.evidence.startswith((SETUP_FAILED, SETUP_ENDED, NO_WORKER)):
                told = clean(word.evidence.partition("; ")[0])
                line = f"hsm errors {quoted(self._state.record.selector)}    # what it said"
                yield "", f"warning: {told}\n  next: {line}"


def _seen_by(monitor: JobMonitor) -> Iterator[tuple[str, str]]:
    for native_id, why in monitor.hopeless.items():
        told = f"warning: job {native_id} will never start: {clean(why)}"
        yield native_id, f"{told}\n  next: hsm queue    # its tasks"
    for native_id, held in monitor.held.items():
        told = f"warning: job {native_id} waits {held.until}: {clean(held.why)}"
        yield native_id, told + (f"\n  next: {held.remedy}" if held.remedy else "")
    yield "", monitor.trouble and f"warning: {monitor.whom} did not answer: {clean(monitor.trouble)}"

"""Takes over from a conductor that died: nothing that it left half done may still happen behind our back."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Protocol

from hsm_core.errors import NoAnswer
from hsm_core.sources.job_monitor import LEAST_S
from hsm_core.sources.source_thread import Answer, T
from hsm_core.store import events
from hsm_core.store.claims import seize_batches
from hsm_core.store.journal import JournalWriter
from hsm_core.store.state.jobs import SubmissionState
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import read_submission

from .source_at_work import SourceAtWork

#: Of a job that is missing, the second answer decides.
_MOST_POLLS = 3


class Waiter(Protocol):
    """Waits for the answer of a source."""

    def __call__(self, answer: Answer[T], /) -> T:
        """Returns what the call returned, or raises what it raised."""


def settle_unanswered(
    state: SweepState, sources: Mapping[str, SourceAtWork], wait_for: Waiter, journal: JournalWriter, conductor: str,
    *, force: bool,
) -> None:  # fmt: skip
    """Looks whether submissions of a dead conductor were accepted that had no answer.

    Args:
        sources: by name.
        conductor: our name.
        force: although a scheduler does not answer.

    Raises:
        NoAnswer: nobody knows.
    """

    def find(submission: SubmissionState) -> str | None:
        try:
            if submission.source not in sources:
                raise NoAnswer(f"nothing tells where the source '{submission.source}' is")
            at_work = sources[submission.source]
            found = wait_for(at_work.calls.ask(lambda: at_work.source.find(submission.token)))
        except NoAnswer:
            if not force:
                raise
            return None
        return found.native_id if found else None

    for submission in state.jobs.submissions():
        if submission.native_id:
            continue
        native_id = find(submission)
        if native_id is None:
            seize(state, [submission], conductor)  # what is accepted from now on will find nothing to do
            native_id = find(submission)
        if native_id is None:
            journal.append(events.Withdrawn(submission.name, "not submitted"))
        else:
            journal.append(events.HandedOver(submission.name, native_id))
    journal.sync()
    state.refresh()


def settle_jobs(state: SweepState, at_work: SourceAtWork, wait_for: Waiter) -> None:
    """Polls a source until nothing is in doubt that a further answer could clear up."""
    monitor, source = at_work.monitor, at_work.source
    for _ in range(_MOST_POLLS if state.jobs and source.kind != "pool" else 0):
        poll = partial(source.poll, monitor.snapshot(), time.monotonic() - LEAST_S)
        polled = wait_for(at_work.calls.ask(poll))
        monitor.take(polled)
        if not polled.in_doubt:
            return
        time.sleep(LEAST_S)


def seize(state: SweepState, dropped: Iterable[SubmissionState], conductor: str) -> None:
    """Claim what a dead conductor left unclaimed, so that no worker of its can start it any more.

    In a copy of somebody's sweep their private folders are missing, and no worker starts without them.
    """
    for one in dropped:
        if not (state.paths.hsm / one.name).is_dir():
            continue
        seize_batches(state.paths, read_submission(state.paths, one.name), conductor)
    state.refresh()

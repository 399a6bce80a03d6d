"""Takes over from a conductor that died: nothing that it left half done may still happen behind our back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hsm_core.errors import NoAnswer
from hsm_core.processes.identity import this_process
from hsm_core.sources.interface import RunningSource
from hsm_core.store import events
from hsm_core.store.claims import claim_batch, read_claim
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import SweepPaths
from hsm_core.store.state.jobs import SubmissionState
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import Submission, read_submission


def settle_unanswered(
    state: SweepState, sources: Mapping[str, RunningSource], journal: JournalWriter, conductor: str, *, force: bool
) -> None:
    """Submissions of a dead conductor that had no answer: look whether they were accepted.

    Args:
        sources: by name.
        conductor: our name.
        force: although a scheduler does not answer.

    Raises:
        NoAnswer: nobody knows.
    """
    for submission in state.jobs.submissions():
        if submission.native_id:
            continue
        source = sources[submission.source]
        native_id = _find(source, submission, force)
        if native_id is None:
            seize(state, [submission], conductor)  # what is accepted from now on will find nothing to do
            native_id = _find(source, submission, force)
        if native_id is None:
            journal.append(events.Withdrawn(submission.name, "not submitted"))
        else:
            journal.append(events.HandedOver(submission.name, native_id))
    journal.sync()
    state.refresh()


def _find(source: RunningSource, submission: SubmissionState, force: bool) -> str | None:
    try:
        found = source.find(submission.token)
    except NoAnswer:
        if not force:
            raise
        return None
    return found.native_id if found else None


def seize(state: SweepState, dropped: Iterable[SubmissionState], conductor: str) -> None:
    """Claim what a dead conductor left unclaimed, so that no worker of its can start it any more."""
    for one in dropped:
        seize_batches(state.paths, read_submission(state.paths, one.name), conductor)
    state.refresh()


def seize_batches(paths: SweepPaths, submission: Submission, conductor: str) -> bool:
    """Claims all batches of a submission that no worker has claimed; returns whether all are the conductor's then."""
    are_ours = True
    for number in range(len(submission.batches)):
        batch = submission.batch_id(number)
        claim_batch(paths, batch, worker=conductor, native_id="", restart=0, process=this_process())
        are_ours &= read_claim(paths.claim(batch, 0)).worker == conductor
    return are_ours

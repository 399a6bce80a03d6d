"""Who may still start a task that waits: a worker that claimed it, a job, or the process it was handed to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from hsm_core.model import Span
from hsm_core.processes.identity import evidence_of_death, identity_in

from .event_scan import Line
from .fold import Pair
from .jobs import batches_of

if TYPE_CHECKING:
    from .sweep_state import SweepState


def unheld(state: SweepState, queued: Collection[Pair]) -> set[Pair]:
    """Those that no living worker claimed, and where none did at all, no living job was given.

    What a worker on another host claimed is its own no more once its job has ended.

    Args:
        queued: tasks and their attempts.
    """
    waiting = {pair for pair in queued if not _is_held_by_newest(state, pair)}
    if not waiting:
        return waiting
    claimed: dict[str, set[Pair]] = defaultdict(set)
    held: set[Pair] = set()
    for writer in state.workers():
        pairs: set[Pair] = set()
        for submission, span in writer.claimed:
            found = waiting.intersection(span)
            pairs |= found
            claimed[submission] |= found
        if not state.death_of(writer.name):
            held |= {pair for pair in pairs if state.ended_job(pair[0]) is None}
    for line in state.submissions:
        if line["backend"] != "local":
            held |= waiting.intersection(_held_by_jobs(state, line, claimed[line["submission"]]))
        elif not _is_dropped(state, line):
            pairs = waiting.intersection(pair for span in line["tasks"] for pair in Span(*span))
            held |= pairs - claimed[line["submission"]]
    return waiting - held


def dropped_submissions(state: SweepState) -> list[Line]:
    """Submissions that nothing alive holds; a batch of theirs that is unclaimed will never be started."""
    return [line for line in state.submissions if _is_dropped(state, line)]


def _is_held_by_newest(state: SweepState, pair: Pair) -> bool:
    """Most that wait do so in the job that they were last given to: told without a look at all jobs."""
    number, attempt = pair
    word = state.jobs.word_on(number)
    return (
        state.jobs.attempt_given(number) == attempt
        and (word is None or word.phase != "ended")
        and not state.is_given_up(pair)
    )


def _held_by_jobs(state: SweepState, submission: Line, claimed: Collection[Pair]) -> Iterator[Pair]:
    """What the jobs of a submission may still start: also a job whose worker ended may be run again.

    Args:
        claimed: what workers claimed from it; those of a job that was run again claim later attempts.
    """
    if submission.get("refused"):
        return
    later: dict[int, list[Pair]] = defaultdict(list)
    for pair in claimed:
        later[pair[0]].append(pair)
    for key, given in batches_of(submission):
        word = state.jobs.words.get(key)
        for pair in (given, *later.get(given[0], ())):
            if not state.is_given_up(pair) and (word is None or word.phase != "ended"):
                yield pair


def _is_dropped(state: SweepState, submission: Line) -> bool:
    """True if the local process that it went to is dead, or its conductor died before there was one."""
    if submission["backend"] != "local":
        return bool(submission.get("refused"))
    job = identity_in(submission.get("job") or {})
    if job is not None:
        return evidence_of_death(job) is not None
    return bool(state.death_of(submission["by"]))

"""Finds waiting tasks that nobody can start any more: no worker that claimed them, no job, no process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator

from hsm_core.processes.identity import evidence_of_death

from .fold import Fold
from .jobs import Pair, SubmissionState

#: Evidence that a worker or conductor, by its name, is gone; None where there is none.
DeathOf = Callable[[str], str | None]


def unheld(fold: Fold, death_of: DeathOf, queued: Collection[Pair]) -> set[Pair]:
    """Returns the attempts claimed by no living worker, or, if unclaimed, given to no living job.

    A worker on another host loses its claims once its job has ended.

    Args:
        queued: tasks and their attempts.
    """
    waiting = {pair for pair in queued if not _is_held_by_newest(fold, pair)}
    if not waiting:
        return waiting
    claimed: dict[str, set[Pair]] = defaultdict(set)
    held: set[Pair] = set()
    for writer in fold.workers():
        pairs: set[Pair] = set()
        for name, span in writer.claimed:
            found = waiting.intersection(span)
            pairs |= found
            claimed[name] |= found
        if not death_of(writer.name):
            held |= {pair for pair in pairs if fold.ended_job(pair[0]) is None}
    for submission in fold.submissions:
        if not submission.is_pooled:
            held |= waiting.intersection(_held_by_jobs(fold, submission, claimed[submission.name]))
        elif not is_dropped(submission, death_of):
            pairs = waiting.intersection(pair for span in submission.tasks for pair in span)
            held |= pairs - claimed[submission.name]
    return waiting - held


def is_dropped(submission: SubmissionState, death_of: DeathOf) -> bool:
    """Tells whether nothing alive holds a submission, so that its unclaimed batches will never start.

    A pool's, if the process that it went to is dead, or its conductor died before there was one.
    """
    if not submission.is_pooled:
        return submission.is_void
    if submission.job is not None:
        return evidence_of_death(submission.job) is not None
    return bool(death_of(submission.by))


def _is_held_by_newest(fold: Fold, pair: Pair) -> bool:
    """Tells whether the job that was last given an attempt holds it: the usual case, checked before all others."""
    number, attempt = pair
    word = fold.jobs.word_on(number)
    return (
        fold.jobs.attempt_given(number) == attempt
        and (word is None or word.phase != "ended")
        and not fold.is_given_up(pair)
    )


def _held_by_jobs(fold: Fold, submission: SubmissionState, claimed: Collection[Pair]) -> Iterator[Pair]:
    """Yields the attempts that jobs of a submission may still start: also a job whose worker ended may be run again.

    Args:
        claimed: what workers claimed from it; those of a job that was run again claim later attempts.
    """
    if submission.is_void:
        return
    later: dict[int, list[Pair]] = defaultdict(list)
    for pair in claimed:
        later[pair[0]].append(pair)
    for key, given in submission.batches():
        word = fold.jobs.words.get(key)
        for pair in (given, *later.get(given[0], ())):
            if not fold.is_given_up(pair) and (word is None or word.phase != "ended"):
                yield pair

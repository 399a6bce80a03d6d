"""Finds the sweeps and tasks behind jobs in a queue, by the jobs' names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from hsm_core.errors import HsmError

from .layout import LaunchPaths, SweepPaths
from .submission import Submission, read_submission
from .sweeps import catalogue

#: as ``submission.new_token`` makes them; Torque adds an element's number
_TOKEN = re.compile(r"([a-z][a-z0-9]{0,5}-[a-z2-7]{8})(?:-\d+)?")


@dataclass(frozen=True)
class Named:
    """The sweep and submission that a job's name stands for."""

    sweep: str
    root: Path
    submission: Submission

    def tasks_of(self, batch: int) -> tuple[int, ...]:
        """Returns the tasks of one job, or of one element of an array."""
        batches = self.submission.batches
        spans = batches[batch] if batch < len(batches) else ()
        return tuple(number for span in spans for number, _ in span)


def token_in(name: str) -> str | None:
    """Returns the token in a job's name; None if the job is not one of ours."""
    match = _TOKEN.fullmatch(name)
    return match[1] if match else None


def find_tokens(tokens: Collection[str]) -> dict[str, Named]:
    """Looks tokens up among the user's sweeps; those that are not found are left out."""
    wanted = set(tokens)
    found: dict[str, Named] = {}
    for entry in catalogue.entries():  # the newest first: theirs are the jobs
        if not wanted:
            break
        for submission in _submissions(SweepPaths.at(entry.place)):
            if submission.token in wanted:
                found[submission.token] = Named(entry.id, entry.place, submission)
                wanted.discard(submission.token)
    return found


def _submissions(paths: SweepPaths) -> Iterator[Submission]:
    for record in paths.hsm.glob(str(LaunchPaths.submission_record(Path("launch-*/submit-*")))):
        try:
            yield read_submission(paths, str(record.parent.relative_to(paths.hsm)))
        except HsmError:
            continue  # one that is just being written, or damaged, names no job

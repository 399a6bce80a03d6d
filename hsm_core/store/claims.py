"""Makes sure that a batch runs once: whoever links the claim first runs it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from hsm_core.model import ProcessIdentity
from hsm_core.parsing import process, text, whole
from hsm_core.processes.identity import evidence_of_death, this_process

from .files import create_exclusively, nonce, read_json, to_json
from .layout import SweepPaths
from .submission import Submission


class Claimant(NamedTuple):
    """The worker that claimed a batch.

    Args:
        worker: its name.
        native_id: the id of its job; empty if it runs in none.
        restart: how often the scheduler had run the job before.
    """

    worker: str
    native_id: str
    restart: int
    process: ProcessIdentity


@dataclass(frozen=True)
class Claim:
    """A batch that this worker has claimed.

    Args:
        again: how often its job was run before; each time its unfinished tasks are a new attempt.
        earlier: who claimed it in those runs, the first one first.
    """

    again: int = 0
    earlier: tuple[Claimant, ...] = ()


def claim_batch(
    paths: SweepPaths, batch: str, *, worker: str, native_id: str, restart: int, process: ProcessIdentity
) -> Claim | None:
    """Claims a batch for a worker.

    Only the same job can claim a batch again, when its scheduler reruns it. That shows by a higher
    restart count, or, where the scheduler does not count, by the death of the process that had it.

    Args:
        restart: how often the scheduler has run this job before.

    Returns:
        None if another worker has it.

    Raises:
        OSError: the disk refuses, and nothing is claimed.
    """
    content = {
        "nonce": nonce(16), "worker": worker, "native_id": native_id, "restart": restart, **asdict(process),
    }  # fmt: skip
    earlier: list[Claimant] = []
    while not create_exclusively(paths.claim(batch, len(earlier)), to_json(content)):
        theirs = read_claim(paths.claim(batch, len(earlier)))
        if not native_id or theirs.native_id != native_id or not _is_over(theirs, restart):
            return None
        earlier.append(theirs)
    return Claim(len(earlier), tuple(earlier))


def read_claim(path: Path) -> Claimant:
    """Reads which worker made a claim.

    Raises:
        FileNotFoundError, ValueError: the claim is not there, or is damaged.
    """
    found = read_json(path)
    try:
        words = text(found["worker"]), text(found["native_id"]), whole(found["restart"])
        return Claimant(*words, process(found))
    except KeyError as error:
        raise ValueError(f"{path} lacks {error}") from error


def _is_over(theirs: Claimant, restart: int) -> bool:
    return theirs.restart < restart or bool(evidence_of_death(theirs.process))


def is_claimed_again(paths: SweepPaths, batch: str, claim: Claim) -> bool:
    """Returns whether the job of a claim was run again, so that this run of it should stop."""
    return paths.claim(batch, claim.again + 1).exists()


def seize_batches(paths: SweepPaths, submission: Submission, conductor: str) -> bool:
    """Claims every batch of a submission that no worker has claimed; returns whether the conductor now has all."""
    batches = [submission.batch_id(number) for number in range(len(submission.batches))]
    return all([seize_batch(paths, batch, conductor) for batch in batches])  # noqa: C419  (each of them is claimed)


def seize_batch(paths: SweepPaths, batch: str, conductor: str) -> bool:
    """Claims a batch, unless a worker has it; returns whether the conductor now has it, so that no job begins it."""
    claim_batch(paths, batch, worker=conductor, native_id="", restart=0, process=this_process())
    return read_claim(paths.claim(batch, 0)).worker == conductor

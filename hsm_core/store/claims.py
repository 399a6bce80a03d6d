"""Makes sure that a batch runs once: whoever links the claim first runs it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from hsm_core.model import ProcessIdentity
from hsm_core.processes.identity import evidence_of_death, this_process

from .files import create_exclusively, nonce, read_json, to_json
from .layout import SweepPaths
from .submission import Submission


class Claimant(NamedTuple):
    """Who claimed a batch.

    Args:
        worker: its name.
        native_id: of its job; empty if it runs in none.
        restart: how often its scheduler had run the job before.
    """

    worker: str
    native_id: str
    restart: int
    process: ProcessIdentity


@dataclass(frozen=True)
class Claim:
    """A batch that is ours.

    Args:
        again: how often its job was run before; each time its unfinished tasks are a new attempt.
        earlier: who claimed it in those runs, the first one first.
    """

    again: int = 0
    earlier: tuple[Claimant, ...] = ()


def claim_batch(
    paths: SweepPaths, batch: str, *, worker: str, native_id: str, restart: int, process: ProcessIdentity
) -> Claim | None:
    """Claim a batch for a worker.

    A batch is claimed once more only by the same job, when its scheduler runs it again: that shows by a higher
    restart count, or, where the scheduler does not count, by the death of the process that had it.

    Args:
        restart: how often the scheduler has run this job before.

    Returns:
        None if another worker has it.

    Raises:
        OSError: the disk refuses; nothing is claimed.
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
    """Reads who made a claim.

    Raises:
        FileNotFoundError, ValueError: it is not there, or damaged.
    """
    found = read_json(path)
    process = ProcessIdentity(found["host"], found["boot"], found["pid"], found["start"])
    return Claimant(found["worker"], found["native_id"], found["restart"], process)


def _is_over(theirs: Claimant, restart: int) -> bool:
    return theirs.restart < restart or bool(evidence_of_death(theirs.process))


def is_claimed_again(paths: SweepPaths, batch: str, claim: Claim) -> bool:
    """True once the job of a claim is run again: what this run still does is no longer wanted."""
    return paths.claim(batch, claim.again + 1).exists()


def seize_batches(paths: SweepPaths, submission: Submission, conductor: str) -> bool:
    """Claims all batches of a submission that no worker has claimed; returns whether all are the conductor's then."""
    are_ours = True
    for number in range(len(submission.batches)):
        batch = submission.batch_id(number)
        claim_batch(paths, batch, worker=conductor, native_id="", restart=0, process=this_process())
        are_ours &= read_claim(paths.claim(batch, 0)).worker == conductor
    return are_ours

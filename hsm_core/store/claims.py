"""Makes sure that a batch runs once: whoever links the claim first runs it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from hsm_core.model import ProcessIdentity
from hsm_core.processes.identity import evidence_of_death

from .files import create_exclusively, nonce, read_json, to_json
from .layout import SweepPaths


@dataclass(frozen=True)
class Claim:
    """A batch that is ours.

    Args:
        again: how often its job was run before; each time its unfinished tasks are a new attempt.
        earlier: the claims of those runs, the first one first.
    """

    again: int = 0
    earlier: tuple[dict[str, Any], ...] = field(default=())


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
    earlier: list[dict[str, Any]] = []
    while not create_exclusively(paths.claim(batch, len(earlier)), to_json(content)):
        theirs = read_json(paths.claim(batch, len(earlier)))
        if not native_id or theirs["native_id"] != native_id or not _is_over(theirs, restart):
            return None
        earlier.append(theirs)
    return Claim(len(earlier), tuple(earlier))


def _is_over(theirs: dict[str, Any], restart: int) -> bool:
    process = ProcessIdentity(theirs["host"], theirs["boot"], theirs["pid"], theirs["start"])
    return bool(theirs["restart"] < restart or evidence_of_death(process))


def is_claimed_again(paths: SweepPaths, batch: str, claim: Claim) -> bool:
    """True once the job of a claim is run again: what this run still does is no longer wanted."""
    return paths.claim(batch, claim.again + 1).exists()

"""Shows rank 0 to the other ranks of its job: its claim, its words, and whether it is still there."""

from __future__ import annotations

import os
import time
from pathlib import Path

from hsm_core.processes.identity import evidence_of_death
from hsm_core.store.claims import Claimant, read_claim
from hsm_core.store.event_codec import Event
from hsm_core.store.layout import SweepPaths

from ..job import JobFacts
from .heartbeat import Followed

#: Seconds that ranks wait for each other's first word: interpreters start slowly where a thousand start at once.
FIRST_WORD_S = 300.0
_CHECK_S = 0.25


def await_claim(paths: SweepPaths, batch: str, job: JobFacts) -> tuple[Claimant, int] | None:
    """Waits for rank 0 to claim the batch.

    Returns:
        the claim, and how many there were before it; None if another job has the batch, or if rank 0 never came.
    """
    give_up = time.monotonic() + FIRST_WORD_S
    again = 0
    while time.monotonic() < give_up:
        os.close(os.open(paths.claims, os.O_RDONLY))  # NFS looks anew for a file that it did not find
        try:
            claim = read_claim(paths.claim(batch, again))
        except FileNotFoundError:
            time.sleep(_CHECK_S)
            continue
        if claim.native_id != job.native_id:
            return None
        if claim.restart == job.restart:
            return claim, again
        again += 1
    return None


class Leader:
    """The journal of rank 0, followed.

    Args:
        claim: what rank 0 claimed the batch with.
        later: where the claim of a later run of the job would be.
    """

    def __init__(
        self, paths: SweepPaths, claim: Claimant, later: Path, beat_s: float, grace_s: float
    ) -> None:
        self._later = later
        self._followed = Followed(paths.journal(claim.worker), beat_s, grace_s)
        self._process = claim.process

    @property
    def has_left(self) -> bool:
        """Returns whether rank 0 wrote its last word."""
        return self._followed.has_left

    def listen(self, *, deaf: bool) -> list[Event]:
        """Returns rank 0's newest words; see ``Followed.listen``."""
        return self._followed.listen(deaf=deaf)

    def why_gone(self) -> str:
        """Returns why rank 0 is gone; empty while it is there."""
        if self.has_left:
            return ""
        if self._later.exists():
            return "the job is run again"
        if death := evidence_of_death(self._process):
            return f"rank 0: {death}"
        silence = self._followed.silence
        return f"rank 0 has been silent for {silence.seconds:.0f} s" if silence.is_too_long else ""

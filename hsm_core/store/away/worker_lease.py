"""The lease of a worker on a machine that may be given up: as long as it holds, nobody else gets the worker's tasks.

Its conductor writes it there, over and over, in place: a full disk does not matter. It counts from a time of the
machine's own clock, so one that was long on its way holds no longer for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hsm_core.errors import StoreError
from hsm_core.safe_open import open_record

#: ``held``: it runs out, ``released``: it holds for ever, ``revoked``: the tasks are no longer the worker's.
HELD, RELEASED, REVOKED = "held", "released", "revoked"
_WORDS = (HELD, RELEASED, REVOKED)
_MOST_BYTES = 1024


@dataclass(frozen=True)
class WorkerLease:
    """Says what a conductor has written.

    Args:
        epoch: grows from one conductor of the sweep to the next; an earlier one's words count no more.
        word: ``held``, ``released`` or ``revoked``.
        seconds: for which it holds.
        grace_s: that tasks have to end by themselves, once it is over.
        heard: when its conductor was heard, by the machine's own clock, see ``Host.clock``.
    """

    epoch: int
    word: str
    seconds: float
    grace_s: float
    heard: float = 0.0

    def to_bytes(self) -> bytes:
        """Returns what is written: always as long, and twice, so that a reader tells a torn one."""
        numbers = f"{self.seconds:016.3f} {self.grace_s:016.3f} {self.heard:016.3f}"
        return f"{self.epoch:09d} {self.word:<8} {numbers}\n".encode() * 2

    @property
    def until(self) -> float:
        """Returns when it runs out, by the machine's own clock."""
        return float("inf") if self.word == RELEASED else self.heard + self.seconds

    @property
    def surely_s(self) -> float:
        """Returns the seconds from its last renewal until surely nothing of the worker's tasks runs any more.

        A twentieth covers clocks that differ in speed; a second, a machine that is slow to notice.
        """
        return self.seconds * 1.05 + self.grace_s + 1.0


def read_worker_lease(path: Path) -> WorkerLease | None:
    """Returns a lease as it is on disk; None if there is none, or one that was torn or damaged."""
    try:
        with open_record(path, most=_MOST_BYTES) as stream:
            first, _, second = stream.read().partition(b"\n")
        if not first or second != first + b"\n":
            return None
        epoch, word, *numbers = first.decode().split()
        seconds, grace_s, heard = map(float, numbers)
        return WorkerLease(int(epoch), word, seconds, grace_s, heard) if word in _WORDS else None
    except (OSError, StoreError, ValueError):
        return None

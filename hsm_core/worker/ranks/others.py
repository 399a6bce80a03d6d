"""The other ranks of a task as rank 0 knows them: where it failed, and who is no longer there."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hsm_core.processes.identity import evidence_of_death, identity_in
from hsm_core.store.events import DETAILS
from hsm_core.store.layout import SweepPaths

from ..supervisor.attempt import Ending
from .heartbeat import Followed
from .leader import FIRST_WORD_S


@dataclass(frozen=True)
class Failure:
    """What became of an attempt (``Order.key``) on another rank."""

    key: str
    ending: Ending


class OtherRanks:
    """All ranks but 0.

    Args:
        worker: rank 0's name.
        count: all ranks.
    """

    def __init__(self, paths: SweepPaths, worker: str, count: int, beat_s: float, grace_s: float) -> None:
        self._folder = paths.ranks(worker)
        self._ranks = [
            _OtherRank(number, Followed(paths.rank_journal(worker, number), beat_s, grace_s, FIRST_WORD_S))
            for number in range(1, count)
        ]

    def read_new(self, *, deaf: bool) -> list[Failure]:
        """Attempts that failed on other ranks since the last look.

        Args:
            deaf: our own disk refuses: that nothing is heard of others says nothing of them.
        """
        with suppress(OSError):  # NFS looks anew for files that it did not find
            os.close(os.open(self._folder, os.O_RDONLY))
        return [failure for rank in self._ranks for failure in rank.listen(deaf)]

    def have_completed(self, key: str) -> bool:
        """True once each of them has completed its part of an attempt (``Order.key``), the last that it ran."""
        return all(rank.completed == key for rank in self._ranks)

    def why_gone(self) -> str:
        """Why a rank is no longer there, the first one that is not; empty if all are."""
        return next((why for rank in self._ranks if (why := rank.why_gone())), "")


class _OtherRank:
    """One of them, by its journal.

    Attributes:
        completed: the last attempt that it completed.
    """

    def __init__(self, number: int, followed: Followed) -> None:
        self._number, self._followed = number, followed
        self._head: dict[str, Any] = {}
        self.completed = ""

    def listen(self, deaf: bool) -> list[Failure]:
        news = self._followed.listen(deaf=deaf)
        self._head = self._head or (news[0] if news else {})
        return [failure for line in news if (failure := self._failure(line))]

    def _failure(self, line: dict[str, Any]) -> Failure | None:
        if line["e"] == "lost":
            ending = Ending("lost", None, f"{self._name} was lost: {line['evidence']}")
        elif line["e"] == "end" and line["state"] == "failed":
            words: dict[str, Any] = {name: line[name] for name in DETAILS if name in line}
            told = f"{self._name} failed: {line.get('message', '')}"
            ending = Ending("failed", line["reason"], told, {**words, "rank": self._number})
        else:
            if line["e"] == "end" and line["state"] == "completed":
                self.completed = f"{line['t']}.{line['a']}"
            return None
        return Failure(f"{line['t']}.{line['a']}", ending)

    def why_gone(self) -> str:
        identity = identity_in(self._head)
        if self._followed.has_left:
            return f"{self._name} has left"
        if identity is not None and (death := evidence_of_death(identity)):
            return f"{self._name}: {death}"
        if self._followed.silence.is_too_long:
            return f"{self._name} has been silent for {self._followed.silence.seconds:.0f} s"
        return ""

    @property
    def _name(self) -> str:
        host = self._head.get("host")
        return f"rank {self._number} on {host}" if host else f"rank {self._number}"

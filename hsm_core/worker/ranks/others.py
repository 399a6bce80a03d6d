"""Shows the other ranks of a task to rank 0: where an attempt failed, and which rank is gone."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass

from hsm_core.processes.identity import evidence_of_death
from hsm_core.store import events
from hsm_core.store.event_codec import Event
from hsm_core.store.layout import SweepPaths

from ..supervisor.attempt import AttemptEnding
from .heartbeat import Followed
from .leader import FIRST_WORD_S


@dataclass(frozen=True)
class RankFailure:
    """How an attempt (``Order.key``) failed on another rank."""

    key: str
    ending: AttemptEnding


class OtherRanks:
    """All ranks except 0.

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

    def read_new(self, *, deaf: bool) -> list[RankFailure]:
        """Returns the attempts that failed on other ranks since the last call.

        Args:
            deaf: our own disk refuses: that nothing is heard of others says nothing of them.
        """
        with suppress(OSError):  # NFS looks anew for files that it did not find
            os.close(os.open(self._folder, os.O_RDONLY))
        return [failure for rank in self._ranks for failure in rank.listen(deaf)]

    def have_completed(self, key: str) -> bool:
        """Returns whether each of them has completed its part of an attempt (``Order.key``), its last."""
        return all(rank.completed == key for rank in self._ranks)

    def why_gone(self) -> str:
        """Returns why a rank is gone, the first one that is; empty if all are there."""
        return next((why for rank in self._ranks if (why := rank.why_gone())), "")


class _OtherRank:
    """One of them, as its journal shows it.

    Attributes:
        completed: the last attempt that it completed.
    """

    def __init__(self, number: int, followed: Followed) -> None:
        self._number, self._followed = number, followed
        self._head: events.WorkerHead | None = None
        self.completed = ""

    def listen(self, deaf: bool) -> list[RankFailure]:
        news = self._followed.listen(deaf=deaf)
        self._head = self._head or next((event for event in news if isinstance(event, events.WorkerHead)), None)
        return [failure for event in news if (failure := self._failure(event))]

    def _failure(self, event: Event) -> RankFailure | None:
        if not isinstance(event, (events.Lost, events.End)):
            return None
        key = f"{event.task}.{event.attempt}"
        if isinstance(event, events.Lost):
            return RankFailure(key, AttemptEnding("lost", None, f"{self._name} was lost: {event.evidence}"))
        if event.state == "failed":
            told = f"{self._name} failed: {event.message}"
            details = {**event.details(), "rank": self._number}
            return RankFailure(key, AttemptEnding("failed", event.reason, told, details))
        if event.state == "completed":
            self.completed = key
        return None

    def why_gone(self) -> str:
        identity = self._head.process if self._head else None
        if self._followed.has_left:
            return f"{self._name} has left"
        if identity is not None and (death := evidence_of_death(identity)):
            return f"{self._name}: {death}"
        if self._followed.silence.is_too_long:
            return f"{self._name} has been silent for {self._followed.silence.seconds:.0f} s"
        return ""

    @property
    def _name(self) -> str:
        return f"rank {self._number}" + (f" on {self._head.process.host}" if self._head else "")

"""Gives the tasks of a sweep to its sources, and takes back what a source can't take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from hsm_core.errors import BackendError
from hsm_core.sources.interface import Pair
from hsm_core.store.layout import LaunchPaths
from hsm_core.store.state.sweep_state import SweepState

from ..source_at_work import SourceAtWork
from .pace import Pace
from .strategy import Offer, Rules, assign


class Distribution:
    """Holds what waits for a source, and who was given what.

    Args:
        rules: how tasks are divided.
        say: prints a line for the user.
    """

    def __init__(
        self, state: SweepState, sources: Sequence[SourceAtWork], rules: Rules, say: Callable[[str], None]
    ) -> None:
        self._state, self._sources, self._rules, self._say = state, sources, rules, say
        self._unassigned: list[Pair] = []
        self._given: dict[int, str] = {}
        self._turn = 0
        self._paces = {source.name: Pace() for source in sources}

    def __bool__(self) -> bool:
        return bool(self._unassigned) or any(source.queue for source in self._sources)

    @property
    def tasks(self) -> set[int]:
        """Those that wait, for a source or at one."""
        found = {number for number, _ in self._unassigned}
        return found.union(*(source.queue.tasks for source in self._sources if source.queue is not None))

    def holder_of(self, task: int) -> SourceAtWork | None:
        """Returns the source that was given a task."""
        return next((source for source in self._sources if source.name == self._given.get(task)), None)

    def set_launch(self, launch: LaunchPaths, payload: LaunchPaths) -> None:
        """From now on submissions are written to a launch, and use the payload of one."""
        for source in self._sources:
            if source.queue is not None:
                source.queue.set_launch(launch, payload)

    def add(self, pairs: Sequence[Pair]) -> None:
        """Has more handed over."""
        self._unassigned += pairs

    def drop(self, tasks: set[int]) -> list[Pair]:
        """Takes tasks out that wait; returns them."""
        dropped = [pair for pair in self._unassigned if pair[0] in tasks]
        self._unassigned = [pair for pair in self._unassigned if pair[0] not in tasks]
        for source in self._sources:
            dropped += source.queue.drop(tasks) if source.queue is not None else []
        return dropped

    def stop(self) -> list[Pair]:
        """Hands over no more; returns what waited."""
        stopped, self._unassigned = self._unassigned, []
        for source in self._sources:
            stopped += source.queue.stop() if source.queue is not None else []
        return stopped

    def give_up(self) -> tuple[int, int]:
        """Nobody will be here to hand over what is left.

        Returns:
            how many tasks were surely not accepted, and of how many nobody knows.
        """
        left, unknown = len(self._unassigned), 0
        for queue in [source.queue for source in self._sources if source.queue is not None]:
            here = queue.give_up()
            left, unknown = left + here[0], unknown + here[1]
        return left, unknown

    def hurry(self, ended: Iterable[int]) -> None:
        """These tasks ended, so that there may be room."""
        now = time.monotonic()
        for number in ended:
            pace = self._paces.get(self._given.get(number, ""))
            if pace is not None:
                end = self._state.end_of(number)
                is_completed = end is not None and self._state.state_of(number) == "completed"
                pace.end(number, end.wall if end is not None and is_completed else None, now)
        for source in self._sources:
            if source.queue is not None:
                source.queue.hurry()

    def close(self, name: str) -> None:
        """A source gets no more: what it has not accepted goes to the others; what runs there, ends by itself."""
        for source in self._sources:
            if source.name == name and source.queue is not None:
                self._unassigned += source.queue.hand_back()
                source.close()

    def step(self, open_tasks: Sequence[int], *, detached: bool) -> list[SourceAtWork]:
        """Gives out what can be given out now, and has it submitted; returns the sources that accepted something.

        Args:
            open_tasks: those that have not ended.
            detached: nobody will be there later to hand over the rest.

        Raises:
            BackendError: work was refused, and no other source is there to take it.
        """
        if not detached:
            self._take_from_those_away()
        self._give_out(open_tasks, detached)
        accepted = []
        for source in self._sources:
            try:
                if source.queue is not None and source.queue.step(detached=detached):
                    accepted.append(source)
            except BackendError as error:
                if all(other.is_closed for other in self._sources if other is not source):
                    raise
                self._say(f"warning: {source.name} takes no more tasks: {error}")
                self.close(source.name)
        return accepted

    def _take_from_those_away(self) -> None:
        """Takes back, for those that answer, what a machine that does not has surely not accepted."""
        takers = [source for source in self._sources if not source.is_closed]
        away = [source for source in takers if source.source.kind == "host" and self._trouble_of(source)]
        if len(away) < len(takers):
            for source in away:
                self._unassigned += source.queue.hand_back(for_good=False) if source.queue is not None else []

    def _trouble_of(self, source: SourceAtWork) -> str:
        health = source.take_health()
        return source.monitor.trouble or (health.trouble if health else "")

    def _give_out(self, open_tasks: Sequence[int], detached: bool) -> None:
        takers = [source for source in self._sources if not source.is_closed]
        if not self._unassigned or not takers:
            return
        if any(source.take_health() is None for source in takers) and len(takers) > 1:
            return  # each tells it as soon as it is asked
        waiting = {number for number, _ in self._unassigned}
        held = [number for number in open_tasks if number not in waiting]
        offers = [self._offer(source, held) for source in takers]
        if len(takers) == 1:  # there is nobody else to wait for
            offers = [replace(offers[0], is_well=True)]
        found = assign(
            self._unassigned, offers, self._rules, running=len(held), turn=self._turn, all_of_it=detached
        )
        self._give(takers, found)

    def _give(self, takers: Sequence[SourceAtWork], found: Mapping[str, Sequence[Pair]]) -> None:
        given, now = set[Pair](), time.monotonic()
        for source in takers:
            pairs = found.get(source.name, [])
            if pairs and source.queue is not None:
                source.queue.push(pairs)
                given |= set(pairs)
                for number, _ in pairs:
                    self._given[number] = source.name
                    self._paces[source.name].give(number, now)
        self._turn += len(given)
        self._unassigned = [pair for pair in self._unassigned if pair not in given]

    def _offer(self, source: SourceAtWork, held: Sequence[int]) -> Offer:
        mine = [number for number in held if self._given.get(number) == source.name]
        health, pace, is_queue = source.take_health(), self._paces[source.name], source.source.kind == "queue"
        trouble = self._trouble_of(source)
        has_begun = any(self._state.state_of(number) == "running" for number in mine)
        wait_s = pace.wait_s(has_begun or not mine, time.monotonic()) if is_queue else 0.0
        capacity = health.capacity if health else None
        return Offer(source.name, capacity, len(mine), not trouble, is_queue, pace.task_s, wait_s)

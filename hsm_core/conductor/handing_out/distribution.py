"""Gives the tasks of a sweep to its sources, and takes back what a source can't take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from hsm_core.errors import BackendError, HostClosed
from hsm_core.sources.interface import Pair
from hsm_core.sources.registry import runs_commands_here
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import LaunchPaths
from hsm_core.store.state.sweep_state import SweepState

from ..source_at_work import SourceAtWork
from .health import Healths
from .pace import Pace
from .strategy import Offer, Rules, assign
from .take_back import take_back

#: Seconds that a task waits in a queue before a machine that has nothing to do takes it.
TAKE_BACK_S = 15.0


class Distribution:
    """Holds what waits for a source, and who was given what.

    Args:
        rules: how tasks are divided.
        say: prints a line for the user.
        journal: the conductor's.
        conductor: its name.
    """

    def __init__(
        self, state: SweepState, sources: Sequence[SourceAtWork], rules: Rules, say: Callable[[str], None],
        journal: JournalWriter, conductor: str,
    ) -> None:  # fmt: skip
        self._journal, self._conductor = journal, conductor
        self._state, self._sources, self._rules, self._say = state, sources, rules, say
        self._unassigned: list[Pair] = []
        self._given: dict[int, str] = {}
        self._turn = 0
        self._paces = {source.name: Pace() for source in sources}
        self._healths = Healths(rules, [source.name for source in sources], say, journal)
        self._failed_at: dict[int, set[str]] = {}
        self._taken_back = set[int]()

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
            name = self._given.get(number, "")
            pace = self._paces.get(name)
            if pace is not None:
                self._judge(name, number)
                end = self._state.end_of(number)
                is_completed = end is not None and self._state.state_of(number) == "completed"
                pace.end(number, end.wall if end is not None and is_completed else None, now)
        for source in self._sources:
            if source.queue is not None:
                source.queue.hurry()

    def _judge(self, name: str, number: int) -> None:
        """A task that came to an end by its worker's own word shows that its source works."""
        if self._state.tasks[number].state in ("completed", "failed"):
            self._healths.succeed(name)

    def close(self, name: str) -> None:
        """A source gets no more: what it has not accepted goes to the others; what runs there, ends by itself."""
        for source in self._sources:
            if source.name == name and source.queue is not None:
                self._unassigned += source.queue.hand_back()
                source.close()

    def drain(self, names: Iterable[str]) -> None:
        """Closes sources, as somebody asks for it; the last one that takes tasks stays."""
        for source in [one for one in self._sources if one.name in names and not one.is_closed]:
            if all(other.is_closed for other in self._sources if other is not source):
                self._say(f"warning: {source.name} is not drained: no other source takes tasks")
                continue
            self.close(source.name)
            self._healths.drain(source.name)

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
            except HostClosed as error:  # a login that is refused is never tried again
                self._require_others(source, error)
                self._say(f"warning: {source.name} takes no more tasks: {error}")
                self.close(source.name)
            except BackendError as error:
                self._require_others(source, error)
                self._fail(source, " ".join(str(error).split()), for_now=True)
        if not detached:
            self._relieve_queues(open_tasks)
        return accepted

    def _require_others(self, source: SourceAtWork, error: BackendError) -> None:
        """
        Raises:
            BackendError: the error, if no other source is there that takes tasks.
        """
        others = [one for one in self._sources if one is not source and not one.is_closed]
        if all(self._healths.is_disabled(other.name) for other in others):
            raise error

    # how well they are

    def blame(self, orphans: Sequence[int]) -> bool:
        """The workers of these tasks have ended before they did; the same task at two sources is the task's fault.

        Returns:
            Whether there are several sources, so that one which fails need not end the sweep.

        Raises:
            BackendError: no source is left that takes tasks.
        """
        if sum(not source.is_closed for source in self._sources) < 2:
            return False
        for source in [source for source in self._sources if not source.is_closed]:
            mine = [number for number in orphans if self._given.get(number) == source.name]
            is_own = [
                number for number in mine
                if self._state.state_of(number) == "pending" or not self._failed_at.get(number, set()) - {source.name}
            ]  # fmt: skip
            for number in mine:
                self._failed_at.setdefault(number, set()).add(source.name)
            if is_own:
                told = self._state.evidence_of(is_own[0]) or "a worker ended before its tasks did"
                self._require_others_if_disabled(source, told)
        return True

    def _require_others_if_disabled(self, source: SourceAtWork, why: str) -> None:
        self._fail(source, why)
        if self._healths.is_disabled(source.name):
            error = f"the workers of {source.name} end before their tasks do, and no other source takes tasks"
            self._require_others(source, BackendError(error, evidence=why, fix="hsm doctor"))

    def _fail(self, source: SourceAtWork, why: str, *, for_now: bool = False) -> None:
        self._healths.fail(source.name, why, for_now=for_now)
        if self._healths.is_disabled(source.name) and source.queue is not None:
            self._unassigned += source.queue.hand_back(for_good=False)

    def _relieve_queues(self, open_tasks: Sequence[int]) -> None:
        """Takes back what waits in a queue that gets nothing, or for long while another source has nothing to do."""
        idle = 0 if self._unassigned else self._idle(open_tasks)
        for source in self._sources if len(self._sources) > 1 else ():
            gets_nothing = source.is_closed or self._healths.is_disabled(source.name)
            if source.source.kind != "queue" or not (gets_nothing or idle > 0) or not self._is_on_this_disk(source):
                continue
            late = self._late_in(source, open_tasks, 0.0 if gets_nothing else TAKE_BACK_S)
            late = late if gets_nothing else late[-idle:]
            why = f"taken back from the queue of {source.name}, where it waited"
            taken = take_back(self._state, self._journal, self._conductor, source.name, late, why) if late else []
            if taken:
                numbers = [number for number, _ in taken]
                idle -= len(taken)
                self._taken_back.update(numbers)
                self._unassigned += taken
                source.cancel_tasks(numbers)

    def _late_in(self, source: SourceAtWork, open_tasks: Sequence[int], least_s: float) -> list[int]:
        """The tasks that have waited at a queue for so long, and were not taken back before."""
        pace, now = self._paces[source.name], time.monotonic()
        return [
            number for number in open_tasks
            if self._given.get(number) == source.name and number not in self._taken_back
            and now - pace.given_at(number, now) >= least_s and self._state.state_of(number) == "queued"
        ]  # fmt: skip

    def _is_on_this_disk(self, source: SourceAtWork) -> bool:
        known = self._state.sources.get(source.name)
        return known is not None and runs_commands_here(known)

    def _idle(self, open_tasks: Sequence[int]) -> int:
        """How many more tasks machines would begin at once, that are well."""
        takers = [one for one in self._sources if not one.is_closed and one.source.kind != "queue"]
        offers = [self._offer(one, open_tasks) for one in takers if one.take_health() is not None]
        return sum(max(0, offer.size - offer.held) for offer in offers if offer.is_well and offer.limit is None)

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
                self._healths.of[source.name].probe(now)
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
        offer = Offer(source.name, capacity, len(mine), not trouble, is_queue, pace.task_s, wait_s)
        limit = self._healths.of[source.name].most(offer.size, offer.held, time.monotonic())
        return replace(offer, limit=limit)

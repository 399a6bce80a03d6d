"""Steps a conductor: for a launcher that waits, for one that only hands over, for a command that ends tasks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TypeAlias

from hsm_core.errors import LeaseHeld
from hsm_core.store import events
from hsm_core.store.layout import LaunchPaths
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.text import columns, tell
from hsm_core.views.live import LiveProgress
from hsm_core.views.summary import summary

from .conductor import Conductor, Pairs
from .interrupts import Interrupts
from .messages import parting_words
from .pauses import Pause
from .policies import Ending, Progress
from .tasks_to_run import newest_attempt

#: A block in which a user waits for commands: they have little time left once that user has asked to leave.
WaitedFor: TypeAlias = Callable[[Callable[[], int], Callable[[str], object]], AbstractContextManager[None]]


def conduct_live(
    conductor: Conductor, launch: LaunchPaths, payload: LaunchPaths, pairs: Pairs, numbers: range, patience: WaitedFor
) -> int:
    """Conducts one launch, shows how it goes, and sums up.

    Args:
        launch: where submissions are written; payload: the launch whose payload they use.
        pairs: (task, attempt) to hand over.
        numbers: the tasks to sum up.
        patience: of who waits for the commands of hosts, as ``hosts.interface.Patience.of``.

    Returns:
        0, or an exit code if a signal ended it.
    """
    state, wanted = conductor.state, {number for number, _ in pairs}
    first = not state.numbers_in("completed")
    before = {number for number in state.numbers_in("failed", "lost") if number in numbers and number not in wanted}
    with LiveProgress() as progress:
        conductor.add(pairs, launch, payload)
        code, has_advised = watch(conductor, progress, patience)
    earlier = before.intersection(state.numbers_in("failed", "lost"))
    text = summary(
        state, numbers, earlier=earlier, advise=not has_advised, first=first, width=columns(sys.stderr)
    )
    tell(text)
    return code


def watch(conductor: Conductor, progress: Progress, patience: WaitedFor) -> tuple[int, bool]:
    """Steps until the tasks that it was given, and those that were alive already, have ended.

    TERM and HUP, and Ctrl-C where the policy says so, end the watching and leave the tasks to go on.

    Returns:
        0, or if a signal ended it, what a shell makes of that: 130 for Ctrl-C; and whether the user was told what to
        type next.

    Raises:
        BackendError: work was refused, or worker after worker ended without having ended a task.
    """
    pause = Pause(conductor.policy.poll_s)
    with _heeding(conductor, progress, patience) as interrupts:
        ending = Ending(interrupts, conductor.policy.on_interrupt, progress)
        while True:
            with pause.measured():
                conductor.step()
                _say_all(conductor, progress)
                progress.show(conductor.state)
            if not conductor.open_tasks:
                ending.give_up_asking()
                return interrupts.exit_code, False
            wish = ending.wish()
            if wish == "cancel" and conductor.is_stopping and (conductor.is_in_doubt or conductor.unheard()):
                conductor.cancel(at_once=True)
                wish = "detach"  # nobody would tell when they have ended
            if wish == "detach":
                return interrupts.exit_code, _leave(conductor, len(conductor.open_tasks), progress)
            if wish == "cancel":
                _cancel(conductor, progress)
            conductor.heed()
            interrupts.wait(pause.seconds, conductor.news)


def hand_over(
    conductor: Conductor, launch: LaunchPaths, payload: LaunchPaths, pairs: Pairs, patience: WaitedFor
) -> int:
    """Hands everything over and watches nothing.

    Returns:
        0, or an exit code if a signal ended it before all was handed over.

    Raises:
        BackendError: it was refused.
    """
    with LiveProgress() as progress, _heeding(conductor, progress, patience) as interrupts:
        conductor.add(pairs, launch, payload)
        conductor.step(detached=True)
        while not conductor.has_handed_over and not (interrupts.count or interrupts.left):
            _say_all(conductor, progress)
            interrupts.wait(conductor.policy.poll_s, conductor.news)
            conductor.step(detached=True)
        _say_all(conductor, progress)
        if conductor.has_handed_over:
            return 0
        _leave(conductor, len(pairs), progress)
        return interrupts.exit_code


@contextmanager
def _heeding(conductor: Conductor, progress: Progress, patience: WaitedFor) -> Iterator[Interrupts]:
    with Interrupts() as interrupts, patience(interrupts.presses, conductor.messages.put):
        try:
            yield interrupts
        finally:
            _say_all(conductor, progress)


def _say_all(conductor: Conductor, progress: Progress) -> None:
    for line in conductor.new_messages():
        progress.say(line)


def _cancel(conductor: Conductor, progress: Progress) -> None:
    """Cancelled once, the tasks are asked to end; twice, they are killed."""
    at_once = conductor.is_stopping
    progress.say("killing the tasks" if at_once else "ending the tasks (Ctrl-C again kills them)")
    conductor.journal.append(events.Interrupted("kill" if at_once else "cancel"))
    conductor.cancel(at_once=at_once)


def _leave(conductor: Conductor, count: int, progress: Progress) -> bool:
    """Says what becomes of the tasks without this process. True if it said what is to be typed next.

    Args:
        count: of the tasks.
    """
    conductor.journal.append(events.Interrupted("kill" if conductor.is_stopping else "detach"))
    while conductor.is_waited_for:  # a command that runs now has little time left
        _say_all(conductor, progress)
        conductor.news.wait(0.1)
    left, unknown = conductor.give_up()
    until = (conductor.unheard() or "when the scheduler answers") if conductor.is_stopping else ""
    _say_all(conductor, progress)
    for line in parting_words(conductor.state.record, count - left - unknown, left, unknown, cancel=until):
        progress.say(line)
    return bool(left or unknown or conductor.is_stopping)


@contextmanager
def briefly(state: SweepState) -> Iterator[Conductor]:
    """Conducts a sweep for a moment, to write down what nobody else does; the state is read before and after.

    Raises:
        LeaseHeld: somebody else conducts it.
        OSError: the disk refuses.
    """
    conductor = Conductor([], state, by="hsm")
    try:
        state.refresh()
        yield conductor
    finally:
        is_written = conductor.close()
    if not is_written and conductor.journal.trouble:
        raise conductor.journal.trouble
    state.refresh()


def record_stopped(state: SweepState) -> None:
    """Writes down that somebody looked and nothing is left to run or to wait for.

    Raises:
        LeaseHeld, OSError: see ``briefly``.
    """
    with briefly(state):
        pass


def end_unheld(state: SweepState, tasks: Iterable[int]) -> None:
    """Writes down how tasks ended that nobody holds any more, or that they never start, nor again if they are lost.

    Nothing is written where another one conducts.

    Raises:
        OSError: see ``briefly``.
    """
    with suppress(LeaseHeld), briefly(state) as conductor:  # who holds it reads the request
        conductor.step()
        left = [number for number in tasks if state.state_of(number) in ("pending", "lost")]
        conductor.abandon((number, newest_attempt(state, number)) for number in left)

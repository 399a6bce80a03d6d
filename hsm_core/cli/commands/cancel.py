"""hsm cancel: ends tasks that run, and makes sure that the others never start."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from hsm_core.conductor.drivers import end_unheld, record_stopped
from hsm_core.errors import BackendError, HsmError, NoAnswer
from hsm_core.model import ENDED, State, counted
from hsm_core.overrides import quoted
from hsm_core.sources.interface import RunningSource
from hsm_core.sources.registry import rebuild
from hsm_core.sources.snapshot import snapshot_of
from hsm_core.store.lease import living_conductor
from hsm_core.store.requests import request_cancel
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.text import indented, task_ranges
from hsm_core.views.status.phase import phase_of
from hsm_core.views.text import clean, shorten

from ..ask_schedulers import JobQuestions
from ..click_types import TaskNumbers, examples, open_sweep, require_tasks, require_yes, sweep_argument
from ..own_sweeps_only import act_on
from ..terminal import remark

_EVERY_S, _SAY_EVERY_S = 0.3, 10.0


@click.command("cancel", epilog=examples("hsm cancel latest --yes", "hsm cancel latest --task 3,7-9"))
@sweep_argument
@click.option("--task", "chosen", type=TaskNumbers(), metavar="NUMBERS", help="Only these tasks, such as 3,7-9.")
@click.option(
    "--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, metavar="SECS",
    help="How long to wait for tasks to end.",
)
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--dry-run", is_flag=True, help="Only say which tasks would be cancelled.")
def cancel(sweep: str, chosen: tuple[int, ...] | None, timeout: float, yes: bool, dry_run: bool) -> int:
    """End running tasks and don't start pending ones."""
    if dry_run:
        return _cancel(open_sweep(sweep, to_act=True), chosen, timeout, yes, dry_run=True)

    def would(state: SweepState) -> str:
        still = open_tasks(state, _wanted(state, chosen))
        return f"cancel {_named(still)}" if still else ""

    return act_on(sweep, lambda state: _cancel(state, chosen, timeout, yes, dry_run=False), would, _watched)


def _watched(root: Path) -> str:
    return f"hsm-status {quoted(str(root))}    # who started it can cancel it"


def _wanted(state: SweepState, chosen: tuple[int, ...] | None) -> Sequence[int]:
    return range(state.total) if chosen is None else sorted(chosen)


def _cancel(
    state: SweepState, chosen: tuple[int, ...] | None, timeout: float, yes: bool, *, dry_run: bool
) -> int:
    spans = None if chosen is None else require_tasks(state, chosen)
    wanted = _wanted(state, chosen)
    still = open_tasks(state, wanted)
    if dry_run or not still:
        left = 0 if dry_run or chosen is not None else cancel_idle_jobs(state)
        removed = f"{counted(left, 'idle job', 'was', 'were')} removed from the queue"
        nothing = f"nothing to cancel: {removed if left else 'all tasks have ended'}"
        told = f"would cancel {_named(still)}" if still else nothing
        remark(f"{state.record.id}: {told}")
        return 0
    require_yes(f"cancel {_named(still)} of {state.record.id}?", yes, "nothing was cancelled")
    request_cancel(state.paths, spans)
    obeyed = cancel_jobs(state, still)
    wait_until_ended(state, wanted, timeout, JobQuestions(times_gone=2, cancelled=obeyed))
    if phase_of(state, state.counts()) == "stopped" and not open_tasks(state, range(state.total)):
        record_stopped(state)
    for outcome, found in _outcomes(state, still).items():
        how = outcome if outcome == "cancelled" else f"{outcome}, not cancelled:"
        remark(f"{state.record.id}: {how} {_named(found)}")
    return 0


def _outcomes(state: SweepState, numbers: Sequence[int]) -> dict[State, list[int]]:
    """Returns how tasks that were to be cancelled ended: some may have come to an end of their own."""
    found: dict[State, list[int]] = {"cancelled": []}
    for number in numbers:
        found.setdefault(state.state_of(number), []).append(number)
    return {outcome: tasks for outcome, tasks in found.items() if tasks}


def open_tasks(state: SweepState, wanted: Sequence[int]) -> list[int]:
    """Returns the tasks that may still run or start, if only by a resume, as those that are lost."""
    return [number for number in wanted if is_open(state.state_of(number))]


def is_open(now: State) -> bool:
    """Returns whether a task in this state can be cancelled."""
    return now not in ENDED or now == "lost"


def cancel_jobs(state: SweepState, tasks: Sequence[int]) -> bool:
    """Makes schedulers end the jobs whose unfinished tasks are all among these; workers end the others.

    Returns:
        whether all schedulers obeyed.
    """
    obeyed = True
    for source in _queues(state):
        try:
            source.cancel_tasks(snapshot_of(state, source.name), tasks)
        except NoAnswer as error:
            obeyed = False
            remark(f"{_warning(error)}; the workers still read the request")
    return obeyed


def _queues(state: SweepState) -> list[RunningSource]:
    """Returns the queues that were given something of the sweep."""
    used = {submission.source for submission in state.jobs.submissions()}
    return rebuild((record for name, record in state.sources.items() if name in used), state.paths)


def cancel_idle_jobs(state: SweepState) -> int:
    """Makes schedulers remove waiting jobs that have nothing left to do; returns how many."""
    count = 0
    for source in _queues(state):
        try:
            count += source.remove_idle(snapshot_of(state, source.name))
        except BackendError as error:
            remark(_warning(error))
    return count


def _warning(error: BackendError) -> str:
    """Returns what a scheduler did not do, where the command goes on without it."""
    because = f"\n  because: {indented(error.evidence)}" if error.evidence else ""
    return f"warning: {indented(error.problem)}{because}"


def wait_until_ended(
    state: SweepState, wanted: Sequence[int], timeout: float, questions: JobQuestions
) -> None:
    """Waits for workers and conductor, and records here the tasks that nobody holds any more.

    Raises:
        HsmError: some have not ended in time; it says which, and where they are.
    """
    began = told = time.monotonic()
    while still := _unrecorded(state, wanted):
        unheld = [
            number for number in still
            if state.state_of(number) == "pending" or state.state_of(number) in ENDED
        ]  # fmt: skip
        if unheld and living_conductor(state.paths) is None:
            end_unheld(state, unheld)
        elif time.monotonic() - began > timeout:
            raise HsmError(
                f"not ended yet: {_named(still)} of {state.record.id}", evidence=_where(state, still),
                fix=f"hsm cancel {quoted(state.record.selector)}{_tasks(state, wanted)} --yes    # safe to repeat",
            )  # fmt: skip
        else:
            if time.monotonic() - told > _SAY_EVERY_S:
                told = time.monotonic()
                remark(f"waiting for {_named(still)}: {clean(_where(state, still))}")
            time.sleep(_EVERY_S)
        state.refresh()
        if living_conductor(state.paths) is None:
            questions(state)


def _unrecorded(state: SweepState, wanted: Sequence[int]) -> list[int]:
    """Returns the tasks that can be cancelled, and those of which only their scheduler knows that they have ended."""
    return [
        number for number in wanted
        if is_open(state.state_of(number))
        or (number in state.tasks and state.tasks[number].state not in ENDED and state.unrecorded_end(number))
    ]  # fmt: skip


def _named(found: Sequence[int]) -> str:
    return f"task {found[0]}" if len(found) == 1 else f"{len(found)} tasks ({shorten(task_ranges(found), 40)})"


def _tasks(state: SweepState, wanted: Sequence[int]) -> str:
    """Returns the option that names the tasks; empty if they are all."""
    return "" if len(wanted) == state.total else f' --task "{task_ranges(wanted)}"'


def _where(state: SweepState, still: Sequence[int]) -> str:
    """Returns the workers that hold them."""
    workers = {state.tasks[number].worker for number in still if number in state.tasks} - {""}
    places = [f"{name} on {state.writers[name].host}" for name in sorted(workers)]
    holder = living_conductor(state.paths)
    conductor = [f"the launcher, process {holder.pid} on {holder.host}"] if holder else []
    return ", ".join([*places, *conductor]) or "submitted, not started"

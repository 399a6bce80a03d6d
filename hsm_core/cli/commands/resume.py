"""hsm resume and hsm retry: complete a sweep that was interrupted, or that failed in part."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import click

from hsm_core.conductor.drivers import record_stopped
from hsm_core.errors import HsmError, LeaseHeld
from hsm_core.model import ENDED, counted
from hsm_core.overrides import joined, joined_without_secrets, quoted
from hsm_core.store.lease import living_conductor
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.sweeps.earlier_sweeps import require_current
from hsm_core.text import task_ranges
from hsm_core.views.failures.reasons import Reasons
from hsm_core.views.status.phase import phase_of

from ..ask_schedulers import JobQuestions
from ..click_types import examples, open_sweep, require_tasks
from ..own_sweeps_only import act_on
from ..relaunch import (
    agree_on_changes,
    app_elsewhere,
    keep_accepted,
    kept_private,
    note_on_sweeper,
    relaunch_command,
    relaunch_environment,
    require_changes,
    told_changes,
    with_accepted,
)
from ..resume_options import ResumeOptions, resume_options, with_options
from ..terminal import remark, say

ENDED_WITH_FAILURES = 3


@click.command("resume", epilog=examples("hsm resume latest", "hsm resume latest --launcher hsm_local"))
@with_options
@click.option("--retry-failed", is_flag=True, help="Run failed tasks again, too.")
def resume(sweep: str, retry_failed: bool, **chosen: Any) -> int:
    """Run pending, lost and cancelled tasks; attach to live ones.

    Exit codes: 0 all tasks completed, 3 some did not; with --task or --error, only those count.
    """
    options = resume_options(**chosen)
    again = {"pending", "lost", "cancelled"} | ({"failed"} if retry_failed or options.reason else set())
    return _act(sweep, again, options)


@click.command("retry", epilog=examples("hsm retry latest --error oom --set hydra.launcher.mem_gb=48"))
@with_options
def retry(sweep: str, **chosen: Any) -> int:
    """Run failed tasks again, with the same numbers and directories.

    Exit codes: 0 they completed, 3 some did not.
    """
    options = resume_options(**chosen)
    named = {"failed", "lost", "cancelled", "pending"}  # whatever a reason is told of
    return _act(sweep, named if options.reason else {"failed"}, options)


def _act(sweep: str, again: set[str], options: ResumeOptions) -> int:
    if options.dry_run:
        return _go_on(open_sweep(sweep, to_act=True), again, options)
    return act_on(sweep, lambda state: _go_on(state, again, options), lambda state: _would(state, again, options))


def _would(state: SweepState, again: set[str], options: ResumeOptions) -> str:
    command = _command(state, (), again, options, allow_changed=options.allow_changed)
    return f"run: cd {quoted(state.record.cwd)} && {joined(command)}"


def _go_on(state: SweepState, again: set[str], options: ResumeOptions) -> int:
    require_current(state.paths.place)
    require_changes(state, options.launcher, options.settings)
    JobQuestions()(state)
    found = _tasks_to_run(state, again, options.chosen, options.reason)
    alive = state.numbers_in("queued", "running")
    if not found and (not alive or again == {"failed"} or options.reason):
        return _nothing_to_run(state, again, options)
    _require_no_other(state, options.force)
    if options.dry_run:
        return _preview(state, found, alive, again, options)
    allow = options.allow_changed or (bool(found) and agree_on_changes(state))
    command = _command(state, found, again, options, allow_changed=allow)
    before = {number: _tried(state, number) for number in (*found, *alive)}
    was_refused = state.refusal() is not None
    code = _start(state, command)
    state.refresh()
    if was_refused and state.refusal() is None and options.settings and not options.launcher:
        keep_accepted(state, options.settings)
    return _outcome(state, _asked_for(state, again, options, list(before)), before, code)


def _nothing_to_run(state: SweepState, again: set[str], options: ResumeOptions) -> int:
    """Says why; returns the exit code, as if it had run."""
    asked, note = _asked_for(state, again, options, ()), note_on_sweeper(state.record)
    is_done = bool(asked) and all(state.state_of(number) == "completed" for number in asked)
    told = f"{_completed(asked) if is_done else _why_none(state, again)}{f' ({note})' if note else ''}"
    remark(f"{state.record.id}: {told}{'' if is_done else _hint(state, again)}")
    if options.dry_run:
        return 0
    if not state.numbers_in("queued", "running", "pending", "lost", "cancelled"):
        _record_stopped(state)
    return 0 if is_done or not asked else ENDED_WITH_FAILURES


def _why_none(state: SweepState, again: set[str]) -> str:
    return "no task has failed" if again == {"failed"} and not state.numbers_in("failed") else "nothing to run"


def _completed(asked: Sequence[int]) -> str:
    return f"task {asked[0]} is completed" if len(asked) == 1 else f"tasks {task_ranges(asked)} are completed"


def _asked_for(state: SweepState, again: set[str], options: ResumeOptions, run: Sequence[int]) -> Sequence[int]:
    """Returns the tasks that decide the exit code: those that were named; of ``hsm resume`` alone, all of the sweep.

    Args:
        run: the tasks that run now.
    """
    if options.chosen is not None:
        return options.chosen
    return run if options.reason or again == {"failed"} else range(state.total)


def _command(
    state: SweepState, found: Sequence[int], again: set[str], options: ResumeOptions, *, allow_changed: bool
) -> list[str]:
    restricted = options.chosen is not None or options.reason or again == {"failed"}
    only = found or state.numbers_in("queued", "running")  # these are attached to, and no other task begins
    command = relaunch_command(
        state.record, state.paths.root, launcher=options.launcher, force=options.force,
        only=task_ranges(only) if restricted else None, retry_failed="failed" in again,
        settings=options.settings if options.launcher else with_accepted(state, options.settings),
        allow_changed=allow_changed or not found,
    )  # fmt: skip
    return [options.python or command[0], *command[1:]]


def _tried(state: SweepState, number: int) -> tuple[int, str]:
    known = state.tasks.get(number)
    return (known.attempt if known else 0), state.state_of(number)


def _outcome(state: SweepState, asked: Sequence[int], before: dict[int, tuple[int, str]], code: int) -> int:
    """Returns the exit code: 0 if all that was asked for completed, 3 if it ended otherwise, else the app's own.

    Args:
        asked: the tasks that count.
        before: how those that were to run stood.
        code: of the app.

    Raises:
        HsmError: the app did not come to the sweep's function.
    """
    if code not in (0, 1, ENDED_WITH_FAILURES):
        return code
    states = {state.state_of(number) for number in asked}
    if states <= {"completed"}:
        return 0
    is_new = any(_tried(state, number) != then for number, then in before.items())
    if not code and not is_new:
        raise HsmError(
            f"the app ended, but never called {state.record.app['function']}, which {state.record.id} runs",
            evidence=joined(state.record.app["main"]), fix=f"hsm-status {quoted(state.record.selector)}",
        )  # fmt: skip
    return ENDED_WITH_FAILURES if is_new and states <= ENDED else code


def _record_stopped(state: SweepState) -> None:
    """Records that nothing is left of a sweep whose conductor died."""
    if phase_of(state, state.counts()) == "stopped":
        with suppress(LeaseHeld):
            record_stopped(state)


def _tasks_to_run(
    state: SweepState, again: set[str], chosen: Sequence[int] | None, reason: str | None
) -> list[int]:
    if chosen is not None:
        require_tasks(state, chosen)
    wanted = range(state.total) if chosen is None else sorted(chosen)
    if reason is not None:
        ended_so = {number for number, ending in Reasons(state).all() if ending.reason == reason}
        wanted = [number for number in wanted if number in ended_so]
    return [number for number in wanted if state.state_of(number) in again]


def _hint(state: SweepState, again: set[str]) -> str:
    failed, left = state.numbers_in("failed"), state.numbers_in("lost", "pending", "cancelled")
    if failed and "failed" not in again:
        return f"; {counted(len(failed), 'task')} failed\n  next: hsm retry {quoted(state.record.selector)}"
    if left and not again.issuperset(("pending", "cancelled")):
        tasks = f"{counted(len(left), 'task', 'is', 'are')}"
        return f"; {tasks} left\n  next: hsm resume {quoted(state.record.selector)}"
    return ""


def _preview(
    state: SweepState, found: Sequence[int], alive: Sequence[int], again: set[str], options: ResumeOptions
) -> int:
    changes = told_changes(state) if found and not options.allow_changed else ""
    command = _command(state, found, again, options, allow_changed=options.allow_changed or bool(changes))
    tasks = f"{counted(len(found), 'task')}: {task_ranges(found)}" if found else "no task"
    remark(f"{state.record.id}: would run {tasks}")
    if alive:
        remark(f"and attach to {counted(len(alive), 'live task')}: {task_ranges(alive)}")
    if changes:
        remark(f"{changes}\n  so it would ask first; without a terminal it needs --allow-changed")
    path = relaunch_environment(state.record).get("PYTHONPATH")
    missing = f"PYTHONPATH={quoted(path)} " if path and "PYTHONPATH" not in os.environ else ""
    say(f"cd {quoted(state.record.cwd)} && {missing}{joined_without_secrets(command)}")
    return 0


def _require_no_other(state: SweepState, force: bool) -> None:
    holder = living_conductor(state.paths)
    if holder is not None and not force:
        raise HsmError(
            f"{state.record.id} is already run by process {holder.pid} on {holder.host}",
            fix=f"hsm-status -w {quoted(state.record.selector)}    # or --force, if that process is dead",
        )


def _start(state: SweepState, command: Sequence[str]) -> int:
    note = note_on_sweeper(state.record)
    if note:
        remark(note)
    if not os.access(state.record.cwd, os.X_OK):
        raise app_elsewhere(state)
    try:
        shown, private = kept_private(command)
        return _wait_for(shown, state.record.cwd, {**relaunch_environment(state.record), **private})
    except FileNotFoundError as error:
        raise HsmError(
            "the sweep's Python interpreter is gone", evidence=str(command[0]),
            fix=f"hsm resume {quoted(state.record.selector)} --python PATH",
        ) from error  # fmt: skip


def _wait_for(command: Sequence[str], cwd: str, environment: dict[str, str]) -> int:
    """Runs a command that handles Ctrl-C itself: a terminal signals both of us, and its last words are awaited."""
    process = subprocess.Popen(list(command), cwd=cwd, env=environment)
    heard: dict[int, Callable[[int, object], None]] = {signal.SIGINT: lambda *_: None}
    heard |= dict.fromkeys((signal.SIGTERM, signal.SIGHUP), lambda number, _: process.send_signal(number))
    previous = {number: signal.signal(number, handler) for number, handler in heard.items()}
    try:
        code = process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code

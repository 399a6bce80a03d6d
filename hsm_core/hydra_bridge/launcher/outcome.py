"""Ends a call of a launcher: with returns for the sweeper, an error for a command line, or words on what runs on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hsm_core.detect.logout import kills_at_logout
from hsm_core.errors import SweepFailed
from hsm_core.model import counted
from hsm_core.overrides import quoted
from hsm_core.processes.identity import this_host
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.text import tell

from ..error_display import leave

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn

    from .job_return import Compose


def job_returns(
    state: SweepState, numbers: Sequence[int], overrides_of: Callable[[int], Sequence[str]], compose: Compose, *,
    is_needed: bool,
) -> Sequence[JobReturn]:  # fmt: skip
    """Returns what a sweeper gets of tasks that have ended; each is read when it is asked for.

    Args:
        overrides_of: the overrides of a task.
        is_needed: the sweeper goes by what tasks return.
    """
    from hydra.core.utils import JobRuntime

    from .job_return import SweptJob

    name = str(JobRuntime.instance().get("name"))
    return [SweptJob(state, number, tuple(overrides_of(number)), name, compose, is_needed) for number in numbers]


def require_completed(state: SweepState, numbers: Sequence[int], *, is_last: bool, is_told: bool) -> None:
    """Ends a command line whose tasks did not complete without a traceback of one: its summary told everything.

    Args:
        is_last: no more tasks are to come.
        is_told: the summary was of all these tasks.

    Raises:
        SystemExit, SweepFailed: see ``leave``.
    """
    bad = sum(state.state_of(number) != "completed" for number in numbers)
    if bad and state.record.app.get("under_main"):
        more = "" if is_last else "hydra/sweeper=hsm    # it continues after a failed batch"
        failed = SweepFailed(f"{bad} of {counted(len(numbers), 'task')} did not complete", fix=more)
        leave(failed, is_told=is_told)


def warn_of_logout() -> None:
    """Warns who leaves tasks behind, where the machine ends them when their user logs out."""
    if kills_at_logout():
        tell(
            f"warning: {this_host()} ends your processes when you log out\n"
            "  next: loginctl enable-linger    # keeps them running"
        )


def tell_started(state: SweepState, count: int) -> None:
    """Says that tasks run without this process, and how to look at them.

    Args:
        count: of the tasks.
    """
    record, go = state.record, "it runs" if count == 1 else "they run"
    tell(f"{record.id}: {counted(count, 'task')} started; {go} without this process", sys.stdout)
    tell(f"  next: hsm-status -w {quoted(record.selector)}", sys.stdout)

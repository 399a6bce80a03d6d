"""hsm pull: fetches from machines behind SSH what has not come home."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import click

from hsm_core.errors import HsmError
from hsm_core.model import counted
from hsm_core.overrides import quoted
from hsm_core.sources.job_monitor import JobMonitor
from hsm_core.sources.registry import rebuild
from hsm_core.sources.remote.workers import HostWorkers
from hsm_core.store.lease import living_conductor
from hsm_core.store.left_there import read_left, tasks_with_left
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.status.left_view import size_text

from ..click_types import TaskNumbers, examples, open_sweep, require_tasks, sweep_argument
from ..terminal import remark, say

#: Seconds that a call waits for files, so that Ctrl-C is heard between two.
_FILES_S = 0.5


@click.command("pull", epilog=examples("hsm pull latest", "hsm pull latest --task 3,7-9"))
@sweep_argument
@click.option(
    "--task", "tasks", type=TaskNumbers(), metavar="TASKS",
    help="Of the files that stayed there, those of these tasks, such as 3,7-9.",
)
@click.option("--dry-run", is_flag=True, help="Only say which files would come.")
def pull(sweep: str, tasks: tuple[int, ...] | None, dry_run: bool) -> int:
    """Fetch what has not come home from machines behind SSH.

    That is what tasks have written since anybody looked, and files that stayed there because of
    hydra.launcher.results. It does no harm to repeat it: what is here is not fetched again.
    """
    state = open_sweep(sweep)
    if tasks:
        require_tasks(state, tasks)
    hosts = _hosts(state)
    if not hosts:
        remark(f"{state.record.id} uses no machine behind SSH: all its files are here")
        return 0
    troubles = [] if dry_run or living_conductor(state.paths) else _fetch_new(state, hosts)
    wanted = [task for task in tasks_with_left(state.paths) if not tasks or task in tasks]
    if dry_run:
        for task, name, told in _what_stays(state, wanted):
            say(f"task {task}: {told} on {name}")
    else:
        troubles += _fetch_left(state, hosts, wanted)
    _say_end(state, wanted, dry_run)
    for trouble in troubles:
        remark(f"warning: {trouble}")
    return 1 if troubles else 0


def _hosts(state: SweepState) -> dict[str, HostWorkers]:
    used = {submission.source for submission in state.jobs.submissions()}
    records = [one for one in state.sources.values() if one.kind == "host" and one.name in used]
    made = rebuild(records, state.paths, files_s=_FILES_S)
    return {one.name: one for one in made if isinstance(one, HostWorkers)}


def _fetch_new(state: SweepState, hosts: dict[str, HostWorkers]) -> list[str]:
    """Fetches what tasks wrote since anybody looked; returns what went wrong."""
    monitors = {name: JobMonitor(state, host) for name, host in hosts.items()}
    troubles: dict[str, str] = {}
    while monitors:
        for name, monitor in list(monitors.items()):
            monitor.poll_now(time.monotonic())
            if monitor.trouble:
                troubles[name] = f"{name} did not answer: {monitor.trouble}"
            if monitor.trouble or not hosts[name].coming:
                del monitors[name]
    state.refresh()
    return list(troubles.values())


def _what_stays(state: SweepState, tasks: Sequence[int]) -> Iterator[tuple[int, str, str]]:
    for task in tasks:
        left = read_left(state.paths, task)
        if left is not None:
            yield task, left.source, f"{counted(left.files, 'file')}, {size_text(left.size)}"


def _fetch_left(state: SweepState, hosts: dict[str, HostWorkers], tasks: Sequence[int]) -> list[str]:
    """Fetches files that stayed; returns what went wrong."""
    troubles: list[str] = []
    for task, name, told in _what_stays(state, tasks):
        files = state.task_directory(task)
        if files is None or name not in hosts:
            troubles.append(f"task {task}: nobody knows where its files are on {name}")
            continue
        say(f"task {task}: {told} from {name}")
        try:
            hosts[name].pull(task, files)
        except FileNotFoundError:
            troubles.append(f"task {task}: its directory is no longer on {name}")
        except (HsmError, OSError) as error:
            troubles.append(f"task {task}: {' '.join(str(error).split())}")
    return troubles


def _say_end(state: SweepState, asked: Sequence[int], dry_run: bool) -> None:
    counts = state.counts()
    runs = counts["running"] + counts["queued"]
    left = len(tasks_with_left(state.paths))
    if dry_run:
        remark(f"{counted(len(asked), 'task')} would be asked for files that stayed there")
    elif runs:
        remark(f"{counted(runs, 'task')} of {state.record.id} not ended; what they have written so far is here")
    elif not left:
        remark(f"all files of {state.record.id} are here")
    if left and not dry_run:
        remark(f"files of {counted(left, 'task')} are still there\n  next: hsm pull {quoted(state.record.selector)}")

"""hsm queue: the user's jobs in the batch system here, with the sweeps and tasks that they are."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import click

from hsm_core.detect.scheduler import systems_here
from hsm_core.errors import NoAnswer
from hsm_core.hosts.local import LocalHost
from hsm_core.schedulers.interface import JobStatus, Scheduler
from hsm_core.schedulers.registry import find_system, make_scheduler, title_of
from hsm_core.store.job_names import Named, find_tokens, token_in
from hsm_core.text import columns
from hsm_core.views.queue_text import QueuedJob, queue_json, queue_text

from ..click_types import examples, json_option
from ..repaint import Repaint
from ..terminal import colour_on, remark, say_json

#: seconds between two questions to the scheduler, at least and usually
_LEAST_S, _USUAL_S = 2.0, 10.0


@click.command("queue", epilog=examples("hsm queue", "hsm queue -w 30", "hsm queue --json"))
@click.option(
    "-w", "--watch", type=click.FloatRange(min=_LEAST_S), is_flag=False, flag_value=_USUAL_S, metavar="[SECS]",
    help="Repeat every SECS seconds (10) until nothing waits or runs.",
)  # fmt: skip
@json_option
def queue(watch: float | None, as_json: bool) -> int:
    """List your waiting and running jobs, with their tasks.

    Waiting jobs have the scheduler's reason and, if known, the expected start.
    """
    host = LocalHost()
    here = [make_scheduler(name, host) for name in systems_here(host, "hsm-status    # your sweeps")]
    jobs = queued_jobs(here)
    with Repaint(again=watch is not None and not as_json) as place:
        _print(jobs, here, as_json, place)
        while watch is not None and jobs:
            time.sleep(watch)
            try:
                jobs = queued_jobs(here)
            except NoAnswer as error:
                remark(f"{error}\n  asked again in {watch:g} s")
                continue
            _print(jobs, here, as_json, place)
    return 0


def queued_jobs(here: Sequence[Scheduler]) -> list[QueuedJob]:
    """Returns all jobs of this user that wait or run, by element.

    Raises:
        NoAnswer: a scheduler does not say.
    """
    seen = [(scheduler.name, status) for scheduler in here for status in scheduler.queue()]
    known = find_tokens({token for _, status in seen if (token := token_in(status.name))})
    return [_job(name, status, known.get(token_in(status.name) or "")) for name, status in seen]


def _job(scheduler: str, status: JobStatus, named: Named | None) -> QueuedJob:
    return QueuedJob(
        system=title_of(scheduler),
        job=status.native_id,
        phase="running" if status.phase == "running" else "waiting",
        state=status.word,
        name=status.name,
        queue=status.queue,
        reason=status.why,
        hopeless=status.hopeless,
        until=status.until,
        remedy=status.remedy,
        node=status.node,
        start=status.start,
        sweep=named.sweep if named else "",
        dir=str(named.root) if named else "",
        tasks=named.tasks_of(find_system(scheduler).index_of(status.native_id)) if named else (),
    )


def _print(jobs: Sequence[QueuedJob], here: Sequence[Scheduler], as_json: bool, place: Repaint) -> None:
    if as_json:
        say_json(queue_json(jobs))
    elif jobs:
        place.show(queue_text(jobs, width=columns(), colour=colour_on(sys.stdout)))
    else:
        asked = dict.fromkeys(title_of(one.name) for one in here)
        remark(f"{' and '.join(asked)}: you have no waiting or running jobs")
    sys.stdout.flush()

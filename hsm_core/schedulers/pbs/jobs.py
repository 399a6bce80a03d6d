"""What the launcher's fields mean to PBS, and the script that says it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..amounts import check_amounts, cores_for_slots, for_slots, time_stays
from ..batch_system import Place, WorkerStart
from .defaults import below_the_fields
from .dialect import Pbs
from .script import PbsResources, directives, script_text

_SAME = (
    "nodes", "tasks_per_node", "ranks_by", "account", "priority", "select", "place", "project", "storage",
    "depend", "umask", "mail_user", "mail_type",
)  # fmt: skip
_WORKER = '"pbs-$ID-$RESTART"'
_OPTIONS = ('--batch="$INDEX"', '--native-id="$ID"', '--restart="$RESTART"')
#: Further ones where there are ranks; ``rank.sh`` sets these variables.
_RANK = ("--rank-from=HSM_RANK", "--local-rank-from=HSM_LOCAL_RANK")


def asked_of_pbs(pbs: Pbs, fields: Mapping[str, Any], slots: int) -> PbsResources:
    """What a job asks for.

    Args:
        fields: the launcher's, resolved for one task; what they name is a task's.
        slots: tasks at once in the job.

    Raises:
        ConfigError: they can't be said to PBS.
    """
    check_amounts(fields)
    asked = PbsResources(
        **{name: fields[name] for name in _SAME},
        walltime_min=fields["timeout_min"],
        cpus_per_task=cores_for_slots(fields, slots),
        mem_gb=for_slots(fields, slots, "mem_gb"),
        gpus_per_node=for_slots(fields, slots, "gpus_per_node", fields["tasks_per_gpu"]),
        queue=fields["queue"] or fields["partition"],
        raw=fields["resources"],
        directives=tuple(fields["directives"]),
        flavour=pbs.flavour,
        writes_directly=pbs.writes_directly,
    )
    defaults = os.environ.get("HSM_HPC_RESOURCES")
    return below_the_fields(asked, defaults) if defaults and asked.raw == defaults else asked


class PbsJobs:
    """See ``JobWriter``."""

    def __init__(self, pbs: Pbs) -> None:
        self._pbs = pbs

    def asked(self, fields: Mapping[str, Any], slots: int) -> PbsResources:
        return asked_of_pbs(self._pbs, fields, slots)

    def text(self, asked: PbsResources, start: WorkerStart) -> str:
        ranks = asked.nodes * asked.tasks_per_node
        joint = (f"--ranks={ranks}", *_RANK) if ranks > 1 else ()
        line = start.line(_WORKER, *_OPTIONS, *joint)
        return script_text(
            asked, line if joint else f"exec {line}",
            token=start.token, size=start.size, throttle=start.throttle, setup=start.setup, cwd=start.cwd,
            template=start.template, logs=start.logs, starts=start.starts,
        )  # fmt: skip

    def place(self, asked: PbsResources) -> Place:
        """Queue and account; and, as a routing queue has destinations with limits of their own, time and memory."""
        lines = [line.removeprefix("#PBS ") for line in directives(asked, "token")]
        words = [line for line in lines if line.startswith("-l") and re.search(r"walltime=|mem=", line)]
        return asked.queue, asked.account, " ".join(words) or None

    def longer(self, asked: PbsResources, times: int) -> tuple[PbsResources, str]:
        if times == 1:
            return asked, ""
        if asked.walltime_min is None:
            return asked, time_stays("walltime" in " ".join([asked.raw or "", *asked.directives]))
        asked = replace(asked, walltime_min=asked.walltime_min * times)
        return asked, f"for timeout_min={asked.walltime_min}"

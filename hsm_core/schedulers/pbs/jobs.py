"""Turns the launcher's fields into PBS resources and a job's script."""

from __future__ import annotations

import os
import re
from dataclasses import replace

from hsm_core.model import Resources
from hsm_core.settings import LauncherSettings

from ..amounts import for_slots, longer
from ..batch_system import Place, WorkerStart
from .defaults import below_the_fields
from .dialect import Pbs
from .script import directives, script_text
from .settings import PbsResources

_WORKER = '"pbs-$ID-$RESTART"'
_OPTIONS = ('--batch="$INDEX"', '--native-id="$ID"', '--restart="$RESTART"')
#: Further ones where there are ranks; ``rank.sh`` sets these variables.
_RANK = ("--rank-from=HSM_RANK", "--local-rank-from=HSM_LOCAL_RANK")


def asked_of_pbs(pbs: Pbs, settings: LauncherSettings) -> PbsResources:
    """Returns the resources that a job asks for.

    Args:
        settings: as they are for one task; what they name is a task's.
    """
    own = pbses(settings.resources)
    asked = for_slots(own, settings, says_cores=bool(own.select))
    asked = replace(asked, flavour=pbs.flavour, writes_directly=pbs.writes_directly)
    defaults = os.environ.get("HSM_HPC_RESOURCES")
    return below_the_fields(asked, defaults) if defaults and asked.raw == defaults else asked


def pbses(asked: Resources) -> PbsResources:
    """Returns resources that PBS's own fields were read into."""
    assert isinstance(asked, PbsResources)
    return asked


class PbsJobs:
    """See ``JobWriter``."""

    def __init__(self, pbs: Pbs) -> None:
        self._pbs = pbs

    def asked(self, settings: LauncherSettings) -> PbsResources:
        return asked_of_pbs(self._pbs, settings)

    def text(self, asked: Resources, start: WorkerStart) -> str:
        joint = (f"--ranks={asked.ranks}", *_RANK) if asked.ranks > 1 else ()
        line = start.line(_WORKER, *_OPTIONS, *joint)
        return script_text(
            pbses(asked), line if joint else f"exec {line}",
            token=start.token, size=start.size, throttle=start.throttle, setup=start.setup, cwd=start.cwd,
            template=start.template, logs=start.logs, starts=start.starts,
        )  # fmt: skip

    def place(self, asked: Resources) -> Place:
        """Returns queue, account, and as ``qos`` time and memory, which decide where a routing queue sends a job."""
        lines = [line.removeprefix("#PBS ") for line in directives(pbses(asked), "token")]
        words = [line for line in lines if line.startswith("-l") and re.search(r"walltime=|mem=", line)]
        return asked.queue, asked.account, " ".join(words) or None

    def longer(self, asked: Resources, times: int) -> tuple[Resources, str]:
        return longer(asked, times, "walltime")

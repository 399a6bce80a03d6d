"""Turns the launcher's fields into Slurm resources and a job's script."""

from __future__ import annotations

import re
from dataclasses import replace

from hsm_core.errors import ConfigError
from hsm_core.model import Resources, counted
from hsm_core.overrides import quoted
from hsm_core.settings import LauncherSettings

from ..amounts import for_slots, gpu_shares, longer, times
from ..batch_system import Place, WorkerStart
from .script import place_of, script_text
from .settings import SlurmResources

#: GPUs in the words of ``--gres``: kind and number.
_GPUS = re.compile(r"(gpu(?::[A-Za-z][^:,]*)?)(?::(\d+))?")
_ID = "ID=${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}"
#: Slurm may warn while the user's lines run, or Python starts: that must not end the job.
_NOTE_WARNING, _AWAIT_WORKER = "trap 'export HSM_WARNED=1' USR2", "trap '' USR2"
_WORKER = '"slurm-$ID-${SLURM_RESTART_COUNT:-0}"'
_OPTIONS = (
    '--batch="${SLURM_ARRAY_TASK_ID:-0}"', '--native-id="$ID"',
    '--restart="${SLURM_RESTART_COUNT:-0}"', '--log="slurm-$ID.log"', '--requeue="scontrol requeue $ID"',
    "--node-from=SLURMD_NODENAME",
)  # fmt: skip
#: Further ones where srun starts it on each rank, and sets these variables for each.
_RANK = ("--rank-from=SLURM_PROCID", "--local-rank-from=SLURM_LOCALID")


def asked_of_slurm(settings: LauncherSettings) -> SlurmResources:
    """Returns the resources that a job asks for.

    Args:
        settings: as they are for one task; what they name is a task's.

    Raises:
        ConfigError: the GPUs in Slurm's own words are too few.
    """
    own = slurms(settings.resources)
    _check_gpus(own.gres, settings.slots_of_job, settings.tasks_per_gpu)
    asked = for_slots(own, settings, says_cores=bool(own.additional_parameters or own.cpus_per_gpu))
    return replace(asked, gpus_per_task=times(own.gpus_per_task, gpu_shares(settings)))


def slurms(asked: Resources) -> SlurmResources:
    """Returns resources that Slurm's own fields were read into."""
    assert isinstance(asked, SlurmResources)
    return asked


def _check_gpus(gres: str | None, slots: int, per_gpu: int) -> None:
    """Checks that GPUs in Slurm's own words, which are a job's and not a task's, are enough for all slots."""
    named = _GPUS.fullmatch(gres or "")
    wanted = -(-slots // per_gpu)
    if named and int(named[2] or 1) < wanted:
        raise ConfigError(
            f"{counted(slots, 'slot')} with {counted(per_gpu, 'task')} on each GPU need {counted(wanted, 'GPU')}",
            evidence=f"gres={gres}",
            fix=f"hydra.launcher.gres={named[1]}:{wanted}    # or hydra.launcher.tasks_per_gpu={slots}",
        )


class SlurmJobs:
    """See ``JobWriter``."""

    def asked(self, settings: LauncherSettings) -> SlurmResources:
        return asked_of_slurm(settings)

    def text(self, asked: Resources, start: WorkerStart) -> str:
        joint = (f"--ranks={asked.ranks}", *_RANK) if asked.ranks > 1 else ()
        line = start.line(_WORKER, *_OPTIONS, *joint)
        setup = [
            *([] if joint else [_NOTE_WARNING]),
            *start.setup,
            f"cd {quoted(str(start.cwd))}",
            f"export SUBMITIT_FOLDER={quoted(str(start.logs))}",
            _ID,
            *([] if joint else [_AWAIT_WORKER]),
        ]
        return script_text(slurms(asked), line if joint else f"exec {line}", setup=setup, ranks=bool(joint))

    def place(self, asked: Resources) -> Place:
        return place_of(slurms(asked))

    def longer(self, asked: Resources, times: int) -> tuple[Resources, str]:
        return longer(asked, times, r"(?:^|\s)(?:-t|--time)")

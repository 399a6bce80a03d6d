"""What the launcher's fields mean to Slurm, and the script that says it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hsm_core.errors import ConfigError
from hsm_core.model import counted

from ..amounts import check_amounts, cores_for_slots, for_slots, time_stays
from ..batch_system import Place, WorkerStart
from .script import SlurmResources, place_of, script_text

_SAME = (
    "timeout_min", "cpus_per_gpu", "mem_per_cpu", "mem_per_gpu", "qos", "account",
    "constraint", "exclude", "gres", "priority", "comment", "mail_user", "mail_type", "stderr_to_stdout",
)  # fmt: skip
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


def asked_of_slurm(fields: Mapping[str, Any], slots: int) -> SlurmResources:
    """What a job asks for.

    Args:
        fields: the launcher's, resolved for one task; what they name is a task's.
        slots: tasks at once in the job.

    Raises:
        ConfigError: they contradict each other.
    """
    check_amounts(fields)
    ranks = fields["nodes"] * fields["tasks_per_node"]
    if slots > 1 and ranks > 1:
        raise ConfigError(
            f"a task of {ranks} ranks runs alone in its job: slots={slots} must be 1", fix="hydra.launcher.slots=1"
        )
    _check_gpus(fields["gres"], slots, fields["tasks_per_gpu"])
    says_shape = ranks > 1 or fields["gpus_per_task"] is not None  # which Slurm takes with a number of tasks only
    return SlurmResources(
        **{name: fields[name] for name in _SAME},
        cpus_per_task=cores_for_slots(fields, slots),
        mem_gb=for_slots(fields, slots, "mem_gb"),
        gpus_per_node=for_slots(fields, slots, "gpus_per_node", fields["tasks_per_gpu"]),
        gpus_per_task=for_slots(fields, slots, "gpus_per_task", fields["tasks_per_gpu"]),
        nodes=fields["nodes"] if says_shape else None,
        tasks_per_node=fields["tasks_per_node"] if says_shape else None,
        partition=fields["partition"] or fields["queue"],
        signal_delay_s=fields["signal_delay_s"],
        srun_args=tuple(fields["srun_args"]),
        additional_parameters=dict(fields["additional_parameters"]),
        raw=fields["resources"],
        directives=tuple(fields["directives"]),
    )


def _check_gpus(gres: str | None, slots: int, per_gpu: int) -> None:
    """GPUs in Slurm's own words are a job's, not a task's: they must be enough for all slots."""
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

    def asked(self, fields: Mapping[str, Any], slots: int) -> SlurmResources:
        return asked_of_slurm(fields, slots)

    def text(self, asked: SlurmResources, start: WorkerStart) -> str:
        ranks = (asked.nodes or 1) * (asked.tasks_per_node or 1)
        joint = (f"--ranks={ranks}", *_RANK) if ranks > 1 else ()
        line = start.line(_WORKER, *_OPTIONS, *joint)
        setup = [
            *([] if joint else [_NOTE_WARNING]),
            *start.setup,
            f"cd {shlex.quote(str(start.cwd))}",
            f"export SUBMITIT_FOLDER={shlex.quote(str(start.logs))}",
            _ID,
            *([] if joint else [_AWAIT_WORKER]),
        ]
        return script_text(asked, line if joint else f"exec {line}", setup=setup, ranks=bool(joint))

    def place(self, asked: SlurmResources) -> Place:
        return place_of(asked)

    def longer(self, asked: SlurmResources, times: int) -> tuple[SlurmResources, str]:
        if times == 1:
            return asked, ""
        if asked.timeout_min is None:
            own = " ".join([asked.raw or "", *asked.directives])
            return asked, time_stays(re.search(r"(?:^|\s)(?:-t|--time)", own) is not None)
        asked = replace(asked, timeout_min=asked.timeout_min * times)
        return asked, f"for timeout_min={asked.timeout_min}"

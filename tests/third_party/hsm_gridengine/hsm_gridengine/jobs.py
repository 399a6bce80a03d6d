"""What the launcher's fields mean to Grid Engine, and the script that says it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hsm_core.errors import ConfigError
from hsm_core.model import Resources
from hsm_core.schedulers.amounts import for_slots, longer
from hsm_core.schedulers.batch_system import Place, WorkerStart
from hsm_core.settings import Fields, LauncherSettings

from .registration import SYSTEM

#: A plain job has the word ``undefined`` as its task. A job that runs again is not told how often it did, so each
#: start leaves a directory.
_NAMES = """\
ID=$JOB_ID INDEX=0 RESTART=0
if [ "${SGE_TASK_ID:-undefined}" != undefined ]; then ID=$JOB_ID.$SGE_TASK_ID INDEX=$((SGE_TASK_ID - 1)); fi
mkdir -p "$starts" || true
while ! mkdir "$starts/$ID.$RESTART" 2>/dev/null && [ -d "$starts/$ID.$RESTART" ]; do RESTART=$((RESTART + 1)); done\
"""
#: ``-notify`` warns of the end, by USR2, while the user's lines run or Python starts, too: that must not end the job.
_NOTE_WARNING, _AWAIT_WORKER = "trap 'export HSM_WARNED=1' USR2", "trap '' USR2"
_WORKER = '"gridengine-$ID-$RESTART"'
_OPTIONS = (
    '--batch="$INDEX"', '--native-id="$ID"', '--restart="$RESTART"', '--log="$(basename "$SGE_STDOUT_PATH")"',
)  # fmt: skip


@dataclass(frozen=True)
class GridEngineResources(Resources):
    """What a job asks of Grid Engine: the neutral fields, and its own, see ``fields.GridEngineConf``."""

    parallel_environment: str = "smp"
    memory_resource: str = "h_vmem"
    gpu_resource: str = "gpu"
    project: str | None = None


def parse(own: Mapping[str, object]) -> GridEngineResources:
    """See ``BatchSystem.parse``; ``hydra/launcher=hsm_hpc`` lacks Grid Engine's own fields."""
    usual = GridEngineResources()
    fields = Fields(dict.fromkeys(SYSTEM.fields) | dict(own))
    return GridEngineResources(
        parallel_environment=fields.text("parallel_environment") or usual.parallel_environment,
        memory_resource=fields.text("memory_resource") or usual.memory_resource,
        gpu_resource=fields.text("gpu_resource") or usual.gpu_resource,
        project=fields.text("project"),
    )


class GridEngineJobs:
    """See ``JobWriter``."""

    def asked(self, settings: LauncherSettings) -> GridEngineResources:
        own = _own(settings.resources)
        if own.ranks > 1:
            fix = "hydra.launcher.nodes=1 hydra.launcher.tasks_per_node=1"
            raise ConfigError(f"hsm_gridengine can't run a task of {own.ranks} ranks", fix=fix)
        return for_slots(own, settings, says_cores=False)

    def text(self, asked: Resources, start: WorkerStart) -> str:
        lines = [
            "#!/bin/bash", *_directives(_own(asked)), _NOTE_WARNING, *start.setup,
            f"starts={shlex.quote(str(start.starts))}", _NAMES,
            f"cd {shlex.quote(str(start.cwd))} || exit 1", _AWAIT_WORKER,
            f"exec {start.line(_WORKER, *_OPTIONS)}",
        ]  # fmt: skip
        return "\n".join(lines) + "\n"

    def place(self, asked: Resources) -> Place:
        return asked.queue, asked.account, None

    def longer(self, asked: Resources, times: int) -> tuple[Resources, str]:
        return longer(asked, times, "h_rt")


def _own(asked: Resources) -> GridEngineResources:
    assert isinstance(asked, GridEngineResources)
    return asked


def _directives(asked: GridEngineResources) -> Iterator[str]:
    """The ``#$`` lines, the user's own last: of two that contradict each other the last counts."""
    cores = asked.cpus_per_task or 1
    if asked.walltime_min is not None:
        yield f"#$ -l h_rt={asked.walltime_min * 60}"
    if asked.mem_gb is not None:  # Grid Engine counts it per core
        yield f"#$ -l {asked.memory_resource}={math.ceil(asked.mem_gb * 1024 / cores)}M"
    if asked.gpus_per_node:
        yield f"#$ -l {asked.gpu_resource}={asked.gpus_per_node}"
    if cores > 1:
        yield f"#$ -pe {asked.parallel_environment} {cores}"
    options = (
        ("q", asked.queue), ("A", asked.account), ("P", asked.project), ("p", asked.priority),
        ("M", asked.mail_user), ("m", asked.mail_type),
    )  # fmt: skip
    yield from (f"#$ -{letter} {shlex.quote(value)}" for letter, value in options if value)
    raw = [asked.raw] if asked.raw else []
    yield from (line if line.startswith("#$") else f"#$ {line}" for line in (*raw, *asked.directives))

"""Types the launcher's fields that are Slurm's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hsm_core.model import Resources
from hsm_core.settings import Fields


@dataclass(frozen=True)
class SlurmResources(Resources):
    """The request of a job to Slurm: the neutral fields, and Slurm's own by submitit's names.

    Args:
        mem_per_cpu, mem_per_gpu: in Slurm's words (``4G``).
        srun_args: arguments of srun, where it starts the ranks.
        signal_delay_s: seconds before its end at which the job gets USR2.
        max_num_timeout: how often a job whose time is over restarts.
        stderr_to_stdout: for the worker, which does it for its tasks; Slurm's own log always holds both.
        additional_parameters: more of sbatch's options, by name.
    """

    qos: str | None = None
    constraint: str | None = None
    exclude: str | None = None
    gres: str | None = None
    cpus_per_gpu: int | None = None
    gpus_per_task: int | None = None
    mem_per_cpu: str | None = None
    mem_per_gpu: str | None = None
    comment: str | None = None
    srun_args: tuple[str, ...] = ()
    signal_delay_s: int = 120
    max_num_timeout: int = 0
    stderr_to_stdout: bool = False
    additional_parameters: Mapping[str, object] = field(default_factory=dict)

    @property
    def warn_s(self) -> float:
        return float(self.signal_delay_s)

    @property
    def max_restarts(self) -> int:
        return self.max_num_timeout

    @property
    def is_one_log(self) -> bool:
        return self.stderr_to_stdout


def parse(own: Mapping[str, object]) -> SlurmResources:
    """Reads Slurm's own fields, and ``partition``, which here goes before ``queue``.

    Args:
        own: the launcher's fields by name, as plain values; others may be among them.

    Raises:
        ConfigError: one of them has a value that means nothing.
    """
    fields = Fields(own)
    return SlurmResources(
        queue=fields.text("partition"),
        qos=fields.text("qos"),
        constraint=fields.text("constraint"),
        exclude=fields.text("exclude"),
        gres=fields.text("gres"),
        cpus_per_gpu=fields.at_least_one("cpus_per_gpu"),
        gpus_per_task=fields.at_least_one("gpus_per_task"),
        mem_per_cpu=fields.text("mem_per_cpu"),
        mem_per_gpu=fields.text("mem_per_gpu"),
        comment=fields.text("comment"),
        srun_args=fields.texts("srun_args"),
        signal_delay_s=int(fields.within("signal_delay_s", 0, 86_400)),
        max_num_timeout=int(fields.within("max_num_timeout", 0, 1000)),
        stderr_to_stdout=fields.flag("stderr_to_stdout"),
        additional_parameters=fields.mapping("additional_parameters"),
    )

"""The one family of fields that every hsm launcher takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# Without methods that nobody calls: making those of so many fields would cost each process 5 ms.


@dataclass(repr=False, eq=False)
class LauncherConf:
    """What a run does, what a task gets, and the resources that it asks for.

    A sweep file that sets any of these works with every hsm launcher; one that means nothing to a launcher is
    named once, and ignored.
    """

    _target_: str = "hydra_plugins.hsm.plugins.HsmLocalLauncher"

    # --- the run ---
    # go on with a sweep: its id, a unique prefix, its name, `latest`, or its directory
    resume: str | None = None
    # when going on: run the failed tasks again too
    retry_failed: bool = False
    # when going on: run none but these, as in "3,7-9"
    only_tasks: str | None = None
    # when going on: although another conductor seems to have the sweep
    force: bool = False
    # when going on: although the app's files have changed since the sweep began
    allow_changed: bool = False
    # return as soon as the tasks are handed over; they go on without us
    detach: bool = False
    # show what would be started, start nothing
    dry_run: bool = False
    # what the sweep is called; null: the app's name
    name: str | None = None
    # a sentence for whoever reads the list of sweeps
    description: str | None = None
    # words to find it by
    tags: list[str] = field(default_factory=list)
    # end the rest after the first failure
    fail_fast: bool = False
    # end the rest when more than this share of the tasks has failed
    max_failure_rate: float = 1.0
    # Ctrl-C: cancel ends the tasks; detach leaves them to go on; ask asks; auto: cancel on this machine,
    # on a cluster ask where there is a terminal
    on_interrupt: str = "auto"
    # variables set for every task
    env: dict[str, str] = field(default_factory=dict)
    # interpreter of the workers; null: the one that started the sweep
    python: str | None = None
    # live: tasks read the app's files as they are then; snapshot: as they are now
    code: str = "live"
    # how a task gets its process: auto | fork | spawn | none
    isolation: str = "auto"
    # seconds between looks at the tasks
    poll_interval_s: float = 0.5

    # --- the task ---
    # minutes a task may run; then it gets TERM, later KILL
    task_timeout_min: float | None = None
    # seconds between TERM and KILL
    grace_s: float = 10.0
    # tasks at once in one worker; null: as many as there are cores (or GPUs handed out)
    slots: int | None = None
    # tasks at once on one GPU
    tasks_per_gpu: int = 1

    # --- resources, in no scheduler's words ---
    # "4:00:00", "1-12:00:00", "90min"; a bare number is refused
    walltime: str | None = "${oc.env:HSM_HPC_WALLTIME,null}"
    # submitit's name for the same, in minutes
    timeout_min: int | None = None
    nodes: int = 1
    # null is one, as in submitit's launcher
    tasks_per_node: int | None = 1
    cpus_per_task: int | None = None
    # GiB a node
    mem_gb: float | None = None
    gpus_per_node: int | None = None
    # queue of PBS, partition of Slurm
    queue: str | None = "${oc.env:HSM_HPC_QUEUE,null}"
    partition: str | None = None
    account: str | None = "${oc.env:HSM_HPC_ACCOUNT,null}"
    priority: str | None = None
    # tasks at once over a whole array
    array_parallelism: int | None = None
    # array | individual | auto: one job a task, or arrays of them
    mode: str = "auto"
    # highest index of an array plus one; null: what the scheduler says
    max_array_size: int | None = None
    # tasks that one job runs
    tasks_per_job: int | None = None
    # who is told by mail, and when, in the scheduler's words
    mail_user: str | None = None
    mail_type: str | None = None
    # lines of shell before the task
    setup: list[str] | None = field(default_factory=list)
    # the first of them that fails ends the job, which says so; false: go on all the same
    setup_strict: bool = True
    # one string in the scheduler's own words
    resources: str | None = "${oc.env:HSM_HPC_RESOURCES,null}"
    # raw lines for the script
    directives: list[str] = field(default_factory=list)

    # --- Slurm's own, by submitit's names ---
    qos: str | None = None
    constraint: str | None = None
    # nodes not to be used
    exclude: str | None = None
    gres: str | None = None
    cpus_per_gpu: int | None = None
    gpus_per_task: int | None = None
    # "4G"
    mem_per_cpu: str | None = None
    mem_per_gpu: str | None = None
    comment: str | None = None
    # more options of srun, where it starts the ranks of a task
    srun_args: list[str] | None = field(default_factory=list)
    # seconds before its time is over at which a job is warned, so that tasks can write checkpoints
    signal_delay_s: int = 120
    # how often a job whose time was over is run again
    max_num_timeout: int = 0
    # of ranks: both streams into one log
    stderr_to_stdout: bool = False
    # more options of sbatch, by name
    additional_parameters: dict[str, Any] = field(default_factory=dict)
    # submitit's own, which say nothing here: what a sweep keeps is in its directory, ranks are started by srun
    submitit_folder: str | None = None
    use_srun: bool = True

    # --- PBS's own ---
    # "1:ncpus=4:mem=16gb:ngpus=1", several chunks with +; instead of the neutral fields
    select: str | None = None
    # "scatter", "pack:excl"
    place: str | None = None
    project: str | None = None
    # what of the site's storage a job needs: "gdata/ab12+scratch/ab12"
    storage: str | None = None
    # "afterany:12.server"
    depend: str | None = None
    # of what a job writes, octal: "027"
    umask: str | None = None
    # what starts the ranks of a task: mpiexec | pbsdsh | the beginning of a command line
    ranks_by: str | None = None
    # auto | pbspro | torque
    flavour: str = "auto"
    # your own script, a jinja2 file that extends ours: {% extends "pbs.sh.j2" %}
    template: str | None = None

    # --- this machine's own ---
    # none | auto | a list of GPU numbers
    gpus: Any = "none"
    # niceness of the tasks, 0 to 19
    nice: int = 0


@dataclass(repr=False, eq=False)
class SlurmConf(LauncherConf):
    """The same, with Slurm as the place."""

    _target_: str = "hydra_plugins.hsm.plugins.HsmSlurmLauncher"


@dataclass(repr=False, eq=False)
class PbsConf(LauncherConf):
    """The same, with PBS as the place."""

    _target_: str = "hydra_plugins.hsm.plugins.HsmPbsLauncher"


@dataclass(repr=False, eq=False)
class HpcConf(LauncherConf):
    """The same, with the batch system that is here as the place."""

    _target_: str = "hydra_plugins.hsm.plugins.HsmHpcLauncher"


#: Fields that only a scheduler heeds.
_OF_SCHEDULERS = (
    "walltime", "timeout_min", "nodes", "tasks_per_node", "mem_gb", "gpus_per_node", "queue", "partition",
    "account", "priority", "array_parallelism", "resources", "directives", "mode", "max_array_size",
    "tasks_per_job", "mail_user", "mail_type", "setup", "setup_strict",
)  # fmt: skip
_OF_SLURM = (
    "qos", "constraint", "exclude", "gres", "cpus_per_gpu", "gpus_per_task", "mem_per_cpu", "mem_per_gpu",
    "comment", "srun_args", "signal_delay_s", "max_num_timeout", "stderr_to_stdout", "additional_parameters",
)  # fmt: skip
_OF_PBS = ("select", "place", "project", "storage", "depend", "umask", "ranks_by", "flavour", "template")
_OF_SUBMITIT = ("submitit_folder", "use_srun")
#: Fields that mean nothing to a backend.
MEANINGLESS = {
    "local": (*_OF_SCHEDULERS, *_OF_SLURM, *_OF_PBS, *_OF_SUBMITIT),
    "slurm": ("gpus", *_OF_PBS, *_OF_SUBMITIT),
    "pbs": ("gpus", *_OF_SLURM, *_OF_SUBMITIT),
}
#: What null means, where it is not that nothing is said.
OF_NULL: dict[str, Any] = {"setup": [], "srun_args": [], "tasks_per_node": 1}

"""The one family of fields that every hsm launcher takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# Without methods that nobody calls: making those of so many fields would cost each process 5 ms.


@dataclass(repr=False, eq=False)
class ResultsConf:
    """Which files of a task come home from a machine behind SSH."""

    # patterns of files that stay there until `hsm pull`, such as "*.ckpt" or "checkpoints/"
    exclude: list[str] = field(default_factory=list)
    # larger files stay there, too
    max_file_gb: float | None = None


@dataclass(repr=False, eq=False)
class LauncherConf:
    """How a sweep runs, what a task gets, and the resources it asks for.

    A sweep file that sets any of these works with every hsm launcher; a launcher warns once about a field that
    it ignores.
    """

    _target_: str = "hydra_plugins.hsm.plugins.HsmLocalLauncher"

    # --- the run ---
    # resume a sweep: its id, the start of its id, its name, `latest`, or its directory
    resume: str | None = None
    # on resume: run failed tasks again, too
    retry_failed: bool = False
    # on resume: run only these tasks, such as "3,7-9"
    only_tasks: str | None = None
    # on resume: continue even if another process seems to run the sweep
    force: bool = False
    # on resume: continue even if the code changed
    allow_changed: bool = False
    # return as soon as the tasks are submitted; they keep running
    detach: bool = False
    # show what would run, without starting anything
    dry_run: bool = False
    # name of the sweep; null: the app's name
    name: str | None = None
    # what the sweep is for, in a sentence
    description: str | None = None
    # words to find the sweep by
    tags: list[str] = field(default_factory=list)
    # cancel the other tasks after the first failure
    fail_fast: bool = False
    # cancel the other tasks once more than this share has failed
    max_failure_rate: float = 1.0
    # Ctrl-C: cancel ends the tasks, detach keeps them running, ask asks; auto: cancel on this machine,
    # ask on a cluster if there is a terminal
    on_interrupt: str = "auto"
    # environment variables for every task
    env: dict[str, str] = field(default_factory=dict)
    # who else may read the sweep's files, its permissions: none | group | read; the umask may allow less
    share: str = "read"
    # Python interpreter of the tasks; null: the one that starts the sweep
    python: str | None = None
    # live: tasks use the code as it is when they start; snapshot: as it is now; verify: hosts behind SSH have it
    # themselves, and are refused where it is another
    code: str = "live"
    # process of each task: auto | fork | spawn | none
    isolation: str = "auto"
    # seconds between polls of the tasks
    poll_interval_s: float = 0.5

    # --- the task ---
    # minutes a task may run before it gets TERM, then KILL
    task_timeout_min: float | None = None
    # seconds between TERM and KILL
    grace_s: float = 10.0
    # tasks at once in one job or on this machine; null: one per job, or one per core or GPU of this machine
    slots: int | None = None
    # tasks that share a GPU
    tasks_per_gpu: int = 1

    # --- resources, the same for every scheduler ---
    # time limit of a job: "4:00:00", "1-12:00:00", "90min", not a bare number
    walltime: str | None = "${oc.env:HSM_HPC_WALLTIME,null}"
    # the same in minutes, by submitit's name
    timeout_min: int | None = None
    nodes: int = 1
    # null is one, as in submitit's launcher
    tasks_per_node: int | None = 1
    cpus_per_task: int | None = None
    # GiB per node
    mem_gb: float | None = None
    gpus_per_node: int | None = None
    # where to queue: a queue of PBS, a partition of Slurm
    queue: str | None = "${oc.env:HSM_HPC_QUEUE,null}"
    partition: str | None = None
    account: str | None = "${oc.env:HSM_HPC_ACCOUNT,null}"
    priority: str | None = None
    # most jobs at once
    array_parallelism: int | None = None
    # array | individual | auto: job arrays or single jobs
    mode: str = "auto"
    # most jobs in an array; null: the scheduler's limit
    max_array_size: int | None = None
    # tasks per job
    tasks_per_job: int | None = None
    # who gets mail, and when, in the scheduler's words
    mail_user: str | None = None
    mail_type: str | None = None
    # shell lines to run before the task
    setup: list[str] | None = field(default_factory=list)
    # whether the first line that fails ends the job; false: continue
    setup_strict: bool = True
    # resources in the scheduler's own words, one string
    resources: str | None = "${oc.env:HSM_HPC_RESOURCES,null}"
    # raw directive lines for the job script
    directives: list[str] = field(default_factory=list)

    # --- Slurm's own, by submitit's names ---
    qos: str | None = None
    constraint: str | None = None
    # nodes to avoid
    exclude: str | None = None
    gres: str | None = None
    cpus_per_gpu: int | None = None
    gpus_per_task: int | None = None
    # "4G"
    mem_per_cpu: str | None = None
    mem_per_gpu: str | None = None
    comment: str | None = None
    # more options of srun, which starts the ranks of a task
    srun_args: list[str] | None = field(default_factory=list)
    # seconds before its time limit at which a job warns its tasks, so that they can write checkpoints
    signal_delay_s: int = 120
    # how often a job that reached its time limit restarts
    max_num_timeout: int = 0
    # both streams of a task in one log
    stderr_to_stdout: bool = False
    # more options of sbatch, by name
    additional_parameters: dict[str, Any] = field(default_factory=dict)
    # submitit's own, ignored here: hsm keeps everything in the sweep's directory, and srun starts ranks
    submitit_folder: str | None = None
    use_srun: bool = True

    # --- PBS's own ---
    # "1:ncpus=4:mem=16gb:ngpus=1", several chunks with +; replaces the resources above
    select: str | None = None
    # "scatter", "pack:excl"
    place: str | None = None
    project: str | None = None
    # file systems that a job needs: "gdata/ab12+scratch/ab12"
    storage: str | None = None
    # "afterany:12.server"
    depend: str | None = None
    # umask of the job, octal: "027"
    umask: str | None = None
    # how to start the ranks of a task: mpiexec | pbsdsh | the start of a command line
    ranks_by: str | None = None
    # auto | pbspro | torque
    flavour: str = "auto"
    # your own script, a jinja2 file that extends ours: {% extends "pbs.sh.j2" %}
    template: str | None = None

    # --- machines behind SSH ---
    # where tasks run: "box1:4" (a name as ssh takes it, and 4 tasks at once), "ann@box2", or
    # {name: box3, host: 10.0.0.3, port: 2222, user: ann, slots: 4, python: ~/env/bin/python, dir: /scratch/ann}
    hosts: list[Any] = field(default_factory=list)
    # what speaks SSH: auto | paramiko | openssh
    transport: str = "auto"
    # host keys: known | accept_new
    host_keys: str = "known"
    # a machine that stays away: retry_elsewhere ends its tasks there and gives them to others, wait never does
    on_host_lost: str = "retry_elsewhere"
    # seconds that a machine may stay away before that
    host_lost_after_s: float = 3600.0
    # the SSH configuration; null: yours
    ssh_config: str | None = "${oc.env:HSM_SSH_CONFIG,null}"

    # folders of this machine that configs name, and where the hosts have them:
    # [{local: /data, remote: /scratch/data}]
    path_map: list[Any] = field(default_factory=list)

    # which files come home
    results: ResultsConf = field(default_factory=ResultsConf)
    # on_success: remove the sweep from its machines once all tasks have completed and all files are here; never
    cleanup: str = "on_success"

    # --- several places at once ---
    # where tasks run: "local:4", "ssh:box1:8", "slurm:16" (16 tasks at once), "pbs", "hpc", or
    # {source: slurm, at_most: 16, partition: gpu, walltime: "2:00:00"}, with any field of one place
    sources: list[Any] = field(default_factory=list)
    # who gets the next task: fastest | least_loaded | round_robin | random
    strategy: str = "fastest"
    # most tasks at once over all sources
    parallel_limit: int | None = None
    # failures of a place itself in a row after which it gets fewer tasks, and none; and seconds until it gets one
    # again as a probe
    degraded_after: int = 2
    disabled_after: int = 4
    probe_after_s: float = 60.0

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
class SshConf(LauncherConf):
    """The same, with machines behind SSH as the places."""

    _target_: str = "hydra_plugins.hsm.plugins.HsmSshLauncher"
    code: str = "snapshot"
    on_interrupt: str = "ask"


@dataclass(repr=False, eq=False)
class SourcesConf(LauncherConf):
    """The same, with several places at once."""

    _target_: str = "hydra_plugins.hsm.plugins.HsmSourcesLauncher"
    code: str = "snapshot"
    on_interrupt: str = "ask"


@dataclass(repr=False, eq=False)
class HpcConf(LauncherConf):
    """The same, with the batch system that is here as the place."""

    _target_: str = "hydra_plugins.hsm.plugins.HsmHpcLauncher"


#: What null means, where it is not that nothing is said.
OF_NULL: dict[str, object] = {"setup": [], "srun_args": [], "tasks_per_node": 1}

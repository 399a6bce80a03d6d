"""Writes the script that Slurm runs; the one module that knows submitit, whose parameters it takes."""

from __future__ import annotations

import os
import shlex
import warnings
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING

from hsm_core.errors import ConfigError
from hsm_core.scripts.rendering import render

from .directives import check_line, directive, escaped, place_in, raw_lines, says_time, time_limit
from .settings import SlurmResources

if TYPE_CHECKING:
    from submitit import SlurmExecutor

#: fields that are no options of sbatch, or are said in another place
_NO_OPTIONS = frozenset({
    "priority", "raw", "directives", "max_num_timeout", "srun_args", "signal_delay_s", "stderr_to_stdout",
    "additional_parameters", "mem_gb",
})  # fmt: skip
_SUBMITITS_NAMES = {"walltime_min": "time", "queue": "partition", "tasks_per_node": "ntasks_per_node"}
_MEMORY = ("mem_gb", "mem_per_cpu", "mem_per_gpu")


def script_text(resources: SlurmResources, command: str, *, setup: Sequence[str], ranks: bool) -> str:
    """Returns the script to be submitted.

    Args:
        command: a line of shell, which is the script's last.
        setup: lines of shell before it.
        ranks: start the command on every rank, with srun.

    Raises:
        ConfigError: something in the resources can't be said to Slurm.
    """
    _check_values(resources)
    options = _options(resources)
    ours = [*(_line(name, options[name]) for name in sorted(options)), *raw_lines(resources.raw or "")]
    theirs = [directive(line) for line in resources.directives]
    for line in (said := [*ours, *theirs]):
        check_line(line)
    lines = [*map(escaped, [*_signal(said, resources, ranks), *ours]), *theirs]
    started = " ".join([*_srun(resources), command]) if ranks else command
    return render("slurm.sh.j2", {"directives": lines, "setup": list(setup), "command": started})


def place_of(resources: SlurmResources) -> tuple[str | None, str | None, str | None]:
    """Returns partition, account and QOS of a job, wherever they are set; None: the user's usual ones."""
    fields = {"partition": resources.queue, "account": resources.account, "qos": resources.qos}
    named = {**fields, **resources.additional_parameters}
    lines = [f"#SBATCH --{name}={shlex.quote(str(named[name]))}" for name in fields if named[name]]
    return place_in([*lines, *raw_lines(resources.raw or ""), *map(directive, resources.directives)])


def _options(resources: SlurmResources) -> dict[str, object]:
    """Returns sbatch's options by name; submitit knows which there are.

    Raises:
        ConfigError: it knows one not, or one can't be said.
    """
    executor = _executor_class()(folder=os.curdir)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a rule for cpus_per_gpu that Slurm does not have
        try:
            executor.update_parameters(**_parameters(resources))
        except ValueError as error:
            raise ConfigError(
                "submitit does not know what was asked of Slurm", evidence=str(error)
            ) from error
    options = {name.replace("_", "-"): value for name, value in executor.parameters.items()}
    return options | _additional(resources)


def _line(option: str, value: object) -> str:
    return f"#SBATCH --{option}" if value is True else f"#SBATCH --{option}={shlex.quote(str(value))}"


@cache
def _executor_class() -> type[SlurmExecutor]:
    from submitit import SlurmExecutor

    class Parameters(SlurmExecutor):
        """Takes parameters even where Slurm's commands are not installed; it submits nothing."""

        @classmethod
        def affinity(cls) -> int:
            return 1

    return Parameters


def _parameters(resources: SlurmResources) -> dict[str, object]:
    """Returns what is asked for, by submitit's names."""
    given = {f.name: getattr(resources, f.name) for f in fields(resources) if f.name not in _NO_OPTIONS}
    if resources.ranks == 1 and resources.gpus_per_task is None:  # which Slurm takes with a number of tasks only
        given |= {"nodes": None, "tasks_per_node": None}
    if resources.mem_gb is not None:
        given["mem"] = _memory(resources.mem_gb)
    return {_SUBMITITS_NAMES.get(name, name): value for name, value in given.items() if value is not None}


def _memory(gb: float) -> str:
    return f"{int(gb)}GB" if gb == int(gb) else f"{int(gb * 1024)}MB"


def _srun(resources: SlurmResources) -> list[str]:
    """Returns srun and its options.

    A failed rank must not end the others before they report; srun does not inherit the number of cores.
    """
    cores = resources.cpus_per_task
    own = [f"--cpus-per-task={cores}"] if cores is not None else []
    words = ("srun", "--unbuffered", "--kill-on-bad-exit=0", *own, *resources.srun_args)
    return [shlex.quote(word) for word in words]


def _additional(resources: SlurmResources) -> dict[str, object]:
    """Returns options that submitit has no parameter for.

    Raises:
        ConfigError: one of them is false, which submitit would say as ``--name=False``.
    """
    found: dict[str, object] = {} if resources.priority is None else {"priority": resources.priority}
    for name, value in resources.additional_parameters.items():
        option = name.replace("_", "-")
        if isinstance(value, (list, dict)):
            raise ConfigError(
                f"hydra.launcher.additional_parameters: {name}={value} can't be passed to sbatch",
                fix=f"hydra.launcher.additional_parameters.{name}='…'    # a text, as sbatch reads it",
            )
        if value is False and option != "requeue":
            raise ConfigError(
                f"hydra.launcher.additional_parameters: {name}=false can't be passed to sbatch",
                fix=f"hydra.launcher.additional_parameters.{name}=null    # or set the opposite option to true",
            )
        if value is False:
            found["no-requeue"] = True
        elif value is not None and option != "signal":  # see _signal
            found[option] = value
    return found


def _signal(said: Sequence[str], resources: SlurmResources, ranks: bool) -> list[str]:
    """Returns the line that asks for a warning, if a time limit is set or users have a signal of their own.

    Not earlier than in the middle of the time: a signal that comes at the start ends the task before it has begun.
    ``B:`` reaches the script's own process, and that only: right where it is the worker, wrong for srun's ranks.
    """
    from submitit import JobEnvironment

    named = resources.additional_parameters.get("signal")
    if named is not None:
        return [f"#SBATCH --signal={shlex.quote(str(named))}"]
    if not says_time(said):
        return []
    before_end = int(min(resources.signal_delay_s, time_limit(said) / 2))
    return [f"#SBATCH --signal={'' if ranks else 'B:'}{JobEnvironment.USR_SIG}@{before_end}"]


def _check_values(resources: SlurmResources) -> None:
    asked = [name for name in _MEMORY if getattr(resources, name) is not None]
    if len(asked) > 1:
        raise ConfigError(f"{' and '.join(asked)} exclude each other", fix=f"hydra.launcher.{asked[-1]}=null")
    values = {f.name: getattr(resources, f.name) for f in fields(resources)}
    for name, value in (values | dict(resources.additional_parameters)).items():
        if isinstance(value, str) and name != "raw":
            check_line(value)

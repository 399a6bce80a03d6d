"""Writes the script that Slurm runs, with submitit's parameters; the one module that knows submitit."""

from __future__ import annotations

import os
import shlex
import warnings
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING

from hsm_core.errors import ConfigError

from .directives import check_line, directive, escaped, place_in, raw_lines, says_time, time_limit
from .settings import SlurmResources

if TYPE_CHECKING:
    from submitit.slurm.slurm import SlurmExecutor

#: said by sbatch's command line, which goes before the script
_OF_COMMAND_LINE = ("--output=", "--open-mode=")
_NOT_SUBMITITS = frozenset({"priority", "raw", "directives", "max_num_timeout"})
_SUBMITITS_NAMES = {"walltime_min": "timeout_min", "queue": "partition"}
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
    head, body = _submitits(resources, command, list(setup), ranks)
    ours, theirs = [*head, *raw_lines(resources.raw or "")], [*map(directive, resources.directives)]
    for line in (said := [*ours, *theirs]):
        check_line(line)
    ours = [*map(escaped, [*_signal(said, resources, ranks), *ours])]
    return "\n".join(["#!/bin/bash", *ours, *theirs, *body])


def place_of(resources: SlurmResources) -> tuple[str | None, str | None, str | None]:
    """Returns partition, account and QOS of a job, wherever they are set; None: the user's usual ones."""
    fields = {"partition": resources.queue, "account": resources.account, "qos": resources.qos}
    named = {**fields, **resources.additional_parameters}
    lines = [f"#SBATCH --{name}={shlex.quote(str(named[name]))}" for name in fields if named[name]]
    return place_in([*lines, *raw_lines(resources.raw or ""), *map(directive, resources.directives)])


def _submitits(
    resources: SlurmResources, command: str, setup: list[str], ranks: bool
) -> tuple[list[str], list[str]]:
    """Returns the lines that submitit writes for sbatch, and those for the shell."""
    executor = _executor()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a rule for cpus_per_gpu that Slurm does not have
        try:
            given = _parameters(resources, ranks)
            executor.update_parameters(**executor._convert_parameters(given), setup=setup or None)
        except ValueError as error:
            raise ConfigError(
                "submitit does not know what was asked of Slurm", evidence=str(error)
            ) from error
        text: str = executor._make_submission_file_text(command, "")
    lines = text.replace(f" --output {shlex.quote(str(_log_of(executor)))}", "").split("\n")
    first = lines.index("# Parameters") + 1
    last = lines.index("", first)
    ours = tuple(f"#SBATCH {option}" for option in (*_OF_COMMAND_LINE, "--signal="))
    return [line for line in lines[first:last] if not line.startswith(ours)], lines[last:]


@cache
def _executor_class() -> type[SlurmExecutor]:
    from submitit.slurm.slurm import SlurmExecutor

    class ScriptWriter(SlurmExecutor):
        """Writes scripts even where Slurm's commands are not installed; it submits nothing."""

        @classmethod
        def affinity(cls) -> int:
            return 1

    return ScriptWriter


def _executor() -> SlurmExecutor:
    return _executor_class()(folder=os.curdir)


def _log_of(executor: SlurmExecutor) -> str:
    """Returns where submitit would have srun write; ours writes where the script does."""
    from submitit.core.utils import JobPaths

    return str(JobPaths(folder=executor.folder).stdout)


def _parameters(resources: SlurmResources, ranks: bool) -> dict[str, object]:
    """Returns submitit's parameters; None leaves out a line that it would write by default."""
    given = {f.name: getattr(resources, f.name) for f in fields(resources) if f.name not in _NOT_SUBMITITS}
    if resources.ranks == 1 and resources.gpus_per_task is None:  # which Slurm takes with a number of tasks only
        given |= {"nodes": None, "tasks_per_node": None}
    unset = dict.fromkeys(("timeout_min", "nodes", "name", "wckey"))
    known = {_SUBMITITS_NAMES.get(name, name): value for name, value in given.items() if value is not None}
    return unset | known | {
        "use_srun": ranks,
        "srun_args": _srun_args(resources),
        "stderr_to_stdout": True,
        "additional_parameters": _additional(resources),
    }  # fmt: skip


def _srun_args(resources: SlurmResources) -> list[str]:
    """Returns srun's options: a failed rank must not end the others before they report; srun inherits no cores."""
    cores = resources.cpus_per_task
    return [
        "--kill-on-bad-exit=0",
        *([f"--cpus-per-task={cores}"] if cores is not None else []),
        *resources.srun_args,
    ]


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
        elif value is not None:
            found[option] = value
    return found


def _signal(said: Sequence[str], resources: SlurmResources, ranks: bool) -> list[str]:
    """Returns the line that asks for a warning, if a time limit is set or users have a signal of their own.

    Not earlier than in the middle of the time: a signal that comes at the start ends the task before it has begun.
    ``B:`` reaches the script's own process, and that only: right where it is the worker, wrong for srun's ranks.
    """
    from submitit.slurm.slurm import SlurmJobEnvironment

    named = resources.additional_parameters.get("signal")
    if named is not None:
        return [f"#SBATCH --signal={shlex.quote(str(named))}"]
    if not says_time(said):
        return []
    before_end = int(min(resources.signal_delay_s, time_limit(said) / 2))
    return [f"#SBATCH --signal={'' if ranks else 'B:'}{SlurmJobEnvironment.USR_SIG}@{before_end}"]


def _check_values(resources: SlurmResources) -> None:
    asked = [name for name in _MEMORY if getattr(resources, name) is not None]
    if len(asked) > 1:
        raise ConfigError(f"{' and '.join(asked)} exclude each other", fix=f"hydra.launcher.{asked[-1]}=null")
    values = {f.name: getattr(resources, f.name) for f in fields(resources)}
    for name, value in (values | dict(resources.additional_parameters)).items():
        if isinstance(value, str) and name != "raw":
            check_line(value)

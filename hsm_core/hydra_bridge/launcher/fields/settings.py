"""Reads the launcher's fields: from what the user set under ``hydra.launcher`` to ``LauncherSettings``."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hsm_core.errors import ConfigError
from hsm_core.model import STRATEGIES, Isolation, Resources
from hsm_core.overrides import key_of, quoted
from hsm_core.plan.suggest import closest
from hsm_core.plan.walltime import minutes
from hsm_core.schedulers.batch_system import BatchSystem
from hsm_core.settings import Fields, LauncherSettings, QueueSettings, SeveralSettings
from hsm_core.text import read_task_ranges

from ...faults import Faults
from ...plain import flow, plain
from .declared import OF_NULL, LauncherConf
from .recorded import defaults
from .references import meaningless
from .ssh_settings import ssh_settings

_ALL_FIELDS = "    # all fields: add --cfg hydra -p hydra.launcher, without -m"
_ISOLATIONS: tuple[Isolation, ...] = ("auto", "fork", "spawn", "none")
_MODES = ("auto", "array", "individual")
#: Below it, memory would be rounded to zero, which is all of a node's in Slurm's words.
_LEAST_GB = 1 / 1024


def launcher_values(fields: Mapping[str, object]) -> dict[str, object]:
    """The launcher's fields as plain values, the walltime in minutes as ``timeout_min``; an empty text is none.

    Raises:
        ConfigError: the walltime means nothing.
    """
    values = {name: None if value == "" else plain(value) for name, value in fields.items()}
    values |= {name: value for name, value in OF_NULL.items() if values[name] is None}
    walltime = Fields(values).text("walltime")
    if walltime is not None:
        is_sites = walltime == os.environ.get("HSM_HPC_WALLTIME")
        if values["timeout_min"] is not None and is_sites:
            return values  # a site's default is below what the user says
        told = _minutes_of_site(walltime) if is_sites else minutes(walltime)
        if values["timeout_min"] not in (None, told):
            raise ConfigError(
                f"walltime={walltime} and timeout_min={values['timeout_min']} differ",
                fix="hydra.launcher.timeout_min=null",
            )
        values["timeout_min"] = told
    return values


def _minutes_of_site(walltime: str) -> int:
    try:
        return minutes(walltime)
    except ConfigError as error:
        told = f"the environment variable HSM_HPC_WALLTIME: {error.problem}"
        raise ConfigError(told, evidence=error.evidence, fix='export HSM_HPC_WALLTIME="4:00:00"') from None


def known_values(
    fields: Mapping[str, object], system: BatchSystem | None, typed: Sequence[str] = ()
) -> dict[str, object]:
    """The fields of a run as plain values, see ``launcher_values``.

    Args:
        system: where its tasks go; None: to a pool on this machine.
        typed: Hydra's overrides from the command line; fields that are not in them come from a file.

    Raises:
        ConfigError: there is no such field, or the walltime means nothing.
    """
    _refuse_unknown(fields, system, typed)
    if system is None and _is_environments(fields["walltime"], defaults()["walltime"]):
        fields = {**fields, "walltime": None}
    return launcher_values(fields)


def _refuse_unknown(fields: Mapping[str, object], system: BatchSystem | None, typed: Sequence[str]) -> None:
    """Hydra takes what the dataclass lacks, so that all of it is told at once, with what was meant."""
    known = {*LauncherConf.__dataclass_fields__, *(system.fields if system else ())}
    faults = Faults()
    for name, value in fields.items():
        if name not in known:
            meant = closest(name, known)
            fix = _meant(name, meant, value, typed) if meant else f"remove {name}{_ALL_FIELDS}"
            faults.add(ConfigError(f"hydra.launcher has no field '{name}'", fix=fix))
    faults.raise_all()


def _meant(name: str, meant: str, value: object, typed: Sequence[str]) -> str:
    """Returns the word of the command line as it was meant; for a file's field, what to write there."""
    head = f"hydra.launcher.{name}"
    word = next((text for text in typed if f"{key_of(text)}.".startswith(f"{head}.")), "")
    if word:
        return quoted(word.lstrip("+").replace(name, meant, 1)) + _ALL_FIELDS
    return f"{meant}: {flow(plain(value))}    # instead of {name}"


def launcher_settings(values: Mapping[str, object], system: BatchSystem | None) -> LauncherSettings:
    """Read the launcher's fields.

    Args:
        values: all of them as plain values, as they are for the sweep, or for one task.
        system: where the tasks go; None: to a pool on this machine.

    Raises:
        ConfigError: a field has a value that means nothing, or two contradict each other.
    """
    fields = Fields(values)
    settings = LauncherSettings(
        resume=fields.text("resume"),
        retry_failed=fields.flag("retry_failed"),
        only_tasks=_numbers(fields.text("only_tasks")),
        force=fields.flag("force"),
        allow_changed=fields.flag("allow_changed"),
        detach=fields.flag("detach"),
        dry_run=fields.flag("dry_run"),
        name=fields.text("name") or "",
        description=fields.text("description") or "",
        tags=fields.texts("tags"),
        python=fields.text("python") or sys.executable,
        code=fields.one_of("code", ("live", "snapshot", "verify")),
        share=fields.one_of("share", ("read", "group", "none")),
        env={key: str(value) for key, value in fields.mapping("env").items()},
        fail_fast=fields.flag("fail_fast"),
        max_failure_rate=_share(fields, "max_failure_rate"),
        on_interrupt=_on_interrupt(fields, system),
        poll_interval_s=fields.positive("poll_interval_s"),
        slots=fields.at_least_one("slots"),
        isolation=fields.one_of("isolation", _ISOLATIONS),
        tasks_per_gpu=int(fields.positive("tasks_per_gpu")),
        task_timeout_min=_time_limit(fields),
        grace_s=fields.within("grace_s", 0, 86_400),
        nice=int(fields.within("nice", 0, 19)),
        gpus=values["gpus"],
        ssh=ssh_settings(fields),
        several=_several(fields),
        setup=fields.texts("setup"),
        setup_strict=fields.flag("setup_strict"),
        flavour=fields.text("flavour") or "auto",
        template=fields.text("template"),
        queue=QueueSettings() if system is None else _queue_settings(fields),
        resources=_neutral(fields, Resources()) if system is None else _asked_of(system, values),
        ignored=_ignored(values, system),
    )
    _refuse_slots_with_ranks(settings)
    return settings


def refuse_of_resume(settings: LauncherSettings, *, is_new: bool) -> None:
    """Refuses fields that choose which tasks of a sweep are resumed, where a new one is started.

    Raises:
        ConfigError: one of them is set.
    """
    found = [name for name in ("only_tasks", "retry_failed", "force") if getattr(settings, name)]
    if found and is_new:
        fields = " and ".join(f"hydra.launcher.{name}" for name in found)
        told = f"{fields} {'is' if len(found) == 1 else 'are'} for resuming a sweep, and this line starts a new one"
        raise ConfigError(told, fix=f"hydra.launcher.resume=latest    # or leave out {' and '.join(found)}")


def _numbers(text: str | None) -> frozenset[int] | None:
    """The task numbers that ``3,7-9`` means."""
    if text is None:
        return None
    try:
        return frozenset(number for _, span in read_task_ranges(text) for number in span)
    except ValueError as error:
        raise ConfigError(f"'{error}' is not a task number", fix="'hydra.launcher.only_tasks=\"3,7-9\"'") from None


def _share(fields: Fields, name: str) -> float:
    rate = fields.number(name)
    if rate is None or not 0.0 <= rate <= 1.0:
        raise ConfigError(f"hydra.launcher.{name}={rate} must be between 0 and 1", fix=f"hydra.launcher.{name}=0.2")
    return rate


def _on_interrupt(fields: Fields, system: BatchSystem | None) -> str:
    chosen = fields.one_of("on_interrupt", ("auto", "cancel", "detach", "ask"))
    if chosen == "auto":
        chosen = "cancel" if system is None else "ask"
    return "cancel" if chosen == "ask" and not sys.stdin.isatty() else chosen


def _several(fields: Fields) -> SeveralSettings:
    return SeveralSettings(
        fields.entries("sources"), fields.one_of("strategy", STRATEGIES), fields.at_least_one("parallel_limit"),
        fields.at_least_one("degraded_after") or 1, fields.at_least_one("disabled_after") or 1,
        fields.positive("probe_after_s"),
    )  # fmt: skip


def _time_limit(fields: Fields) -> float | None:
    return None if fields.number("task_timeout_min") is None else fields.positive("task_timeout_min")


def _queue_settings(fields: Fields) -> QueueSettings:
    settings = QueueSettings(
        mode=fields.one_of("mode", _MODES),
        tasks_per_job=fields.at_least_one("tasks_per_job") or 1,
        parallelism=fields.at_least_one("array_parallelism"),
        max_array_size=fields.at_least_one("max_array_size"),
    )
    if fields.flag("detach") and settings.mode == "individual" and settings.parallelism is not None:
        raise ConfigError(
            "a detached launcher can't limit how many single jobs run at once",
            fix="hydra.launcher.mode=array    # or hydra.launcher.detach=false",
        )
    return settings


def _asked_of(system: BatchSystem, values: Mapping[str, object]) -> Resources:
    """Returns the resources of a task; amounts that no scheduler would take for what they say are refused."""
    fields = Fields(values)
    _check_amounts(fields)
    return _neutral(fields, system.parse(values))


def _neutral(fields: Fields, own: Resources) -> Resources:
    """A scheduler's own resources, with the neutral ones."""
    return replace(
        own,
        walltime_min=fields.whole("timeout_min"),
        nodes=fields.count("nodes"),
        tasks_per_node=fields.count("tasks_per_node"),
        cpus_per_task=fields.whole("cpus_per_task"),
        mem_gb=fields.number("mem_gb"),
        gpus_per_node=fields.whole("gpus_per_node"),
        queue=own.queue or fields.text("queue") or fields.text("partition"),
        account=fields.text("account"),
        priority=fields.text("priority"),
        raw=fields.text("resources"),
        directives=fields.texts("directives"),
        mail_user=fields.text("mail_user"),
        mail_type=fields.text("mail_type"),
    )


def _check_amounts(fields: Fields) -> None:
    for name in ("nodes", "tasks_per_node", "cpus_per_task", "timeout_min"):
        fields.at_least_one(name)
    gpus, memory = fields.whole("gpus_per_node"), fields.number("mem_gb")
    if gpus is not None and gpus < 0:
        told = f"hydra.launcher.gpus_per_node={gpus} must be at least 0"
        raise ConfigError(told, fix="hydra.launcher.gpus_per_node=1")
    if memory is not None and not _LEAST_GB <= memory < math.inf:
        told = f"hydra.launcher.mem_gb={memory} must be a number of GiB, at least 0.001"
        raise ConfigError(told, fix="hydra.launcher.mem_gb=1")


def _refuse_slots_with_ranks(settings: LauncherSettings) -> None:
    ranks, slots = settings.resources.ranks, settings.slots_of_job
    if slots > 1 and ranks > 1:
        raise ConfigError(
            f"a task of {ranks} ranks runs alone in its job: slots={slots} must be 1", fix="hydra.launcher.slots=1"
        )


def _ignored(values: Mapping[str, object], system: BatchSystem | None) -> tuple[str, ...]:
    """Fields set by the user, not by the environment's defaults, that mean nothing there."""
    usual = defaults()
    found = [
        name
        for name in meaningless(system)
        if values[name] != usual[name] and not _is_environments(values[name], usual[name])
        and not (name == "timeout_min" and values["walltime"] is not None)
    ]
    slots, tasks = Fields(values).whole("slots") or 1, Fields(values).whole("tasks_per_job") or 1
    if system is not None and slots > tasks:
        found.append(f"slots={slots}, beyond tasks_per_job={tasks}")
    return tuple(found)


def _is_environments(value: object, default: object) -> bool:
    """True if the value is what a default like ``${oc.env:NAME,null}`` gives."""
    if not (isinstance(default, str) and default.startswith("${oc.env:")):
        return False
    variable = default[len("${oc.env:") :].partition(",")[0]
    return value is None or bool(value == os.environ.get(variable))

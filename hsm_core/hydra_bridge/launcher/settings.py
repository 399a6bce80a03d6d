"""What the user set under ``hydra.launcher``, checked and in our own words."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import OmegaConf

from hsm_core.conductor.policies import Policy
from hsm_core.detect.cores import chosen_gpus, usable_cores, why_no_gpus
from hsm_core.errors import ConfigError
from hsm_core.model import Isolation, counted
from hsm_core.overrides import quoted
from hsm_core.plan.suggest import closest
from hsm_core.plan.walltime import minutes
from hsm_core.schedulers.registry import find_system
from hsm_core.store.submission import WorkerSpec

from ..faults import Faults
from .fields import OF_NULL, LauncherConf, meaningless
from .recorded_fields import defaults

_ISOLATIONS: tuple[Isolation, ...] = ("auto", "fork", "spawn", "none")


@dataclass(frozen=True)
class RunSettings:
    """How a run goes.

    Args:
        values: all fields, as plain values.
        ignored: fields that were set but mean nothing here.
    """

    resume: str | None
    retry_failed: bool
    only_tasks: frozenset[int] | None
    force: bool
    allow_changed: bool
    detach: bool
    dry_run: bool
    name: str
    description: str
    tags: tuple[str, ...]
    python: str
    code: str
    policy: Policy
    worker: WorkerSpec
    values: Mapping[str, Any]
    ignored: tuple[str, ...]


def launcher_values(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The launcher's fields as plain values, the walltime in minutes as ``timeout_min``; an empty text is none.

    Raises:
        ConfigError: the walltime means nothing.
    """
    values = {name: None if value == "" else plain(value) for name, value in fields.items()}
    values |= {name: value for name, value in OF_NULL.items() if values[name] is None}
    if values["walltime"] is not None:
        is_sites = values["walltime"] == os.environ.get("HSM_HPC_WALLTIME")
        if values["timeout_min"] is not None and is_sites:
            return values  # a site's default is below what the user says
        told = _minutes_of_site(values["walltime"]) if is_sites else minutes(values["walltime"])
        if values["timeout_min"] not in (None, told):
            raise ConfigError(
                f"walltime={values['walltime']} and timeout_min={values['timeout_min']} differ",
                fix="hydra.launcher.timeout_min=null",
            )
        values["timeout_min"] = told
    return values


def _minutes_of_site(walltime: Any) -> int:
    try:
        return minutes(walltime)
    except ConfigError as error:
        told = f"the environment variable HSM_HPC_WALLTIME: {error.problem}"
        raise ConfigError(told, evidence=error.evidence, fix='export HSM_HPC_WALLTIME="4:00:00"') from None


def run_settings(fields: Mapping[str, Any], backend: str) -> RunSettings:
    """Read the launcher's fields for a run.

    Args:
        backend: where its tasks go.

    Raises:
        ConfigError: there is no such field, or one has a value that means nothing.
    """
    _refuse_unknown(fields, backend)
    if backend == "local" and _is_environments(fields["walltime"], defaults()["walltime"]):
        fields = {**fields, "walltime": None}
    values = launcher_values(fields)
    is_local = backend == "local"
    worker = _worker(values) if is_local else worker_in_job(values, backend)
    in_vain = _without_gpus(values["gpus"], worker) if is_local else ()
    return RunSettings(
        resume=values["resume"],
        retry_failed=values["retry_failed"],
        only_tasks=_numbers(values["only_tasks"]),
        force=values["force"],
        allow_changed=values["allow_changed"],
        detach=values["detach"],
        dry_run=values["dry_run"],
        name=values["name"] or "",
        description=values["description"] or "",
        tags=tuple(values["tags"]),
        python=values["python"] or sys.executable,
        code=_one_of(values, "code", ("live", "snapshot")),
        policy=_policy(values, backend),
        worker=worker,
        values=values,
        ignored=(*_ignored(values, backend), *in_vain),
    )


def _refuse_unknown(fields: Mapping[str, Any], backend: str) -> None:
    """Hydra takes what the dataclass lacks, so that all of it is told at once, with what was meant."""
    own = frozenset[str]() if backend == "local" else find_system(backend).fields
    known = {*LauncherConf.__dataclass_fields__, *own}
    faults = Faults()
    for name, value in fields.items():
        if name not in known:
            meant = closest(name, known)
            fix = quoted(f"hydra.launcher.{meant}={value}") if meant else "leave it out"
            more = "    # all fields: --cfg hydra -p hydra.launcher"
            faults.add(ConfigError(f"hydra.launcher has no field '{name}'", fix=fix + more))
    faults.raise_all()


def _numbers(text: str | None) -> frozenset[int] | None:
    """The task numbers that ``3,7-9`` means."""
    if text is None:
        return None
    found: set[int] = set()
    for part in str(text).split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise ConfigError(f"'{part}' is not a task number", fix="'hydra.launcher.only_tasks=\"3,7-9\"'")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def plain(value: Any) -> Any:
    """A field without OmegaConf."""
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def _policy(values: Mapping[str, Any], backend: str) -> Policy:
    rate = values["max_failure_rate"]
    if not 0.0 <= rate <= 1.0:
        raise ConfigError(
            f"hydra.launcher.max_failure_rate={rate} must be between 0 and 1",
            fix="hydra.launcher.max_failure_rate=0.2",
        )
    return Policy(
        fail_fast=values["fail_fast"],
        max_failure_rate=rate,
        on_interrupt=_on_interrupt(values, backend),
        poll_s=_positive(values, "poll_interval_s"),
    )


def _on_interrupt(values: Mapping[str, Any], backend: str) -> str:
    chosen = _one_of(values, "on_interrupt", ("auto", "cancel", "detach", "ask"))
    if chosen == "auto":
        chosen = "cancel" if backend == "local" else "ask"
    return "cancel" if chosen == "ask" and not sys.stdin.isatty() else chosen


def worker_in_job(values: Mapping[str, Any], backend: str) -> WorkerSpec:
    """A worker that a scheduler starts: its job's GPUs are its slots'.

    Args:
        values: the fields, resolved for the job's tasks.

    Raises:
        ConfigError: one of them has a value that means nothing.
    """
    slots = _checked_slots(1 if values["slots"] is None else values["slots"], None, 1)
    slots = min(slots, max(1, values["tasks_per_job"] or 1))
    ranks = values["nodes"] * values["tasks_per_node"]
    if slots > 1 and ranks > 1:
        raise ConfigError(
            f"a task of {ranks} ranks runs alone in its job: slots={slots} must be 1", fix="hydra.launcher.slots=1"
        )
    return WorkerSpec(
        source=backend,
        slots=slots,
        isolation=_isolation(values["isolation"]),
        threads=values["cpus_per_task"] or 1,
        tasks_per_gpu=int(_positive(values, "tasks_per_gpu")),
        task_timeout_s=_time_limit(values),
        grace_s=_within(values, "grace_s", 0, 86_400),
        nice=int(_within(values, "nice", 0, 19)),
        env={key: str(value) for key, value in values["env"].items()},
        share_gpus=slots > 1,
        warn_s=_within(values, "signal_delay_s", 0, 86_400),
        max_restarts=int(_within(values, "max_num_timeout", 0, 1000)),
        stderr_to_stdout=values["stderr_to_stdout"] and "stderr_to_stdout" not in meaningless(backend),
    )


def _time_limit(values: Mapping[str, Any]) -> float | None:
    return None if values["task_timeout_min"] is None else _positive(values, "task_timeout_min") * 60


def _worker(values: Mapping[str, Any]) -> WorkerSpec:
    gpus = chosen_gpus(values["gpus"])
    per_gpu = int(_positive(values, "tasks_per_gpu"))
    cores = usable_cores()
    wanted = values["slots"]
    if wanted is None:
        wanted = _default_slots(cores, gpus, per_gpu, values["cpus_per_task"])
    slots = _checked_slots(wanted, gpus, per_gpu)
    _refuse_ranks(values)
    return WorkerSpec(
        slots=slots,
        isolation=_isolation(values["isolation"]),
        threads=values["cpus_per_task"] or max(1, cores // slots),
        gpus=gpus,
        tasks_per_gpu=per_gpu,
        task_timeout_s=_time_limit(values),
        grace_s=_within(values, "grace_s", 0, 86_400),
        nice=int(_within(values, "nice", 0, 19)),
        env={key: str(value) for key, value in values["env"].items()},
    )


def _checked_slots(slots: int, gpus: tuple[str, ...] | None, per_gpu: int) -> int:
    if slots < 1:
        raise ConfigError(f"hydra.launcher.slots={slots} must be at least 1", fix="hydra.launcher.slots=1")
    if gpus and slots > len(gpus) * per_gpu:
        raise ConfigError(
            f"{counted(slots, 'slot')} need more than {counted(len(gpus), 'GPU')}"
            f" with {counted(per_gpu, 'task')} on each",
            fix=f"hydra.launcher.tasks_per_gpu={-(-slots // len(gpus))}"
            f"    # or hydra.launcher.slots={len(gpus) * per_gpu}",
        )
    return slots


def _default_slots(cores: int, gpus: tuple[str, ...] | None, per_gpu: int, cpus_per_task: int | None) -> int:
    by_cores = max(1, cores // (cpus_per_task or 1))
    return len(gpus) * per_gpu if gpus else by_cores


def _isolation(value: str) -> Isolation:
    for known in _ISOLATIONS:
        if value == known:
            return known
    raise ConfigError(
        f"hydra.launcher.isolation={value} must be one of {', '.join(_ISOLATIONS)}",
        fix="hydra.launcher.isolation=auto",
    )


def _one_of(values: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    if values[name] not in known:
        told = f"hydra.launcher.{name}={values[name]} must be one of {', '.join(known)}"
        raise ConfigError(told, fix=f"hydra.launcher.{name}={known[0]}")
    return str(values[name])


def _within(values: Mapping[str, Any], name: str, least: float, most: float) -> float:
    if not least <= values[name] <= most:
        told = f"hydra.launcher.{name}={values[name]} must be between {least} and {most}"
        raise ConfigError(told, fix=f"hydra.launcher.{name}={least}")
    return float(values[name])


def _refuse_ranks(values: Mapping[str, Any]) -> None:
    ranks = values["nodes"] * values["tasks_per_node"]
    if ranks != 1:
        raise ConfigError(
            f"this launcher can't run a task of {ranks} ranks",
            fix="hydra.launcher.nodes=1 hydra.launcher.tasks_per_node=1",
        )


def _positive(values: Mapping[str, Any], name: str) -> float:
    value = values[name]
    if value is None or not 0 < value < math.inf:
        raise ConfigError(f"hydra.launcher.{name}={value} must be a number above 0", fix=f"hydra.launcher.{name}=1")
    return float(value)


def _ignored(values: Mapping[str, Any], backend: str) -> tuple[str, ...]:
    """Fields set by the user, not by the environment's defaults, that mean nothing to this backend."""
    usual = defaults()
    found = [
        name
        for name in meaningless(backend)
        if values[name] != usual[name] and not _is_environments(values[name], usual[name])
        and not (name == "timeout_min" and values["walltime"] is not None)
    ]
    if backend != "local" and (values["slots"] or 1) > (values["tasks_per_job"] or 1):
        found.append(f"slots={values['slots']}, beyond tasks_per_job={values['tasks_per_job'] or 1}")
    return tuple(found)


def _without_gpus(wanted: object, worker: WorkerSpec) -> tuple[str, ...]:
    """That GPUs were asked for, where there is none."""
    is_in_vain = wanted == "auto" and not worker.gpus
    return (f"gpus=auto, as there is no GPU here: {why_no_gpus()}",) if is_in_vain else ()


def _is_environments(value: Any, default: Any) -> bool:
    """True if the value is what a default like ``${oc.env:NAME,null}`` gives."""
    if not (isinstance(default, str) and default.startswith("${oc.env:")):
        return False
    return bool(value == os.environ.get(default[len("${oc.env:") :].partition(",")[0]))

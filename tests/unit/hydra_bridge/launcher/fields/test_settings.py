"""Fields of a launcher that mean nothing are refused by their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from hsm_core.errors import ConfigError
from hsm_core.hydra_bridge.launcher.fields.declared import LauncherConf
from hsm_core.hydra_bridge.launcher.fields.recorded import defaults
from hsm_core.hydra_bridge.launcher.fields.settings import known_values, launcher_settings
from hsm_core.hydra_bridge.launcher.pool_worker import gpus_in_vain, pool_worker
from hsm_core.schedulers.batch_system import BatchSystem
from hsm_core.schedulers.registry import own_systems
from hsm_core.settings import LauncherSettings
from hsm_core.sources.registry import queue_at

BACKENDS = ["local", "slurm", "pbs"]


def settings(backend: str, **fields: Any) -> LauncherSettings:
    given: Any = OmegaConf.to_container(OmegaConf.structured(LauncherConf), resolve=True)
    del given["_target_"]
    system = queue_at(backend)
    return launcher_settings(known_values({**given, **fields}, system), system)


@pytest.mark.parametrize("system", own_systems(), ids=lambda system: system.name)
def test_a_schedulers_own_fields_are_in_the_family_with_the_same_defaults(system: BatchSystem) -> None:
    family = defaults()
    unset = {name: None if str(value).startswith("${") else value for name, value in family.items()}
    unset |= {"setup": [], "srun_args": []}
    found, own = system.parse(unset), system.fields - {"flavour", "template"}
    assert {name for name in own if not hasattr(found, name)} == set()
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(found).items()}
    assert {name: plain[name] for name in own} == {name: family[name] for name in own}


@pytest.mark.parametrize("amount", [float("inf"), float("nan"), 0.0001, -1.0])
def test_memory_is_a_number_of_gib(amount: float) -> None:
    with pytest.raises(ConfigError, match=f"hydra.launcher.mem_gb={amount} must be a number of GiB"):
        settings("slurm", mem_gb=amount)


@pytest.mark.parametrize(
    ("backend", "found"), [("slurm", "of Slurm"), ("pbs", "of PBS")]
)
def test_where_to_queue_is_said_in_the_schedulers_word_first(backend: str, found: str) -> None:
    assert settings(backend, queue="of PBS", partition="of Slurm").resources.queue == found
    assert settings(backend, queue="either").resources.queue == "either"
    assert settings(backend, partition="either").resources.queue == "either"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("slots", [0, -1])
def test_a_worker_runs_one_task_at_least(backend: str, slots: int) -> None:
    with pytest.raises(ConfigError, match=f"hydra.launcher.slots={slots} must be at least 1"):
        settings(backend, slots=slots)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("minutes", [0.0, float("nan"), float("inf")])
def test_a_time_limit_is_a_number_above_0(backend: str, minutes: float) -> None:
    with pytest.raises(ConfigError, match=f"hydra.launcher.task_timeout_min={minutes} must be"):
        settings(backend, task_timeout_min=minutes)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("field", "meant"), [("wall_time", "walltime"), ("mem_gbb", "mem_gb"), ("Partition", "partition"), ("foo", "")]
)
def test_a_field_that_no_launcher_has_is_refused(backend: str, field: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"hydra.launcher has no field '{field}'") as caught:
        settings(backend, **{field: 3})
    assert caught.value.fix.startswith(f"{meant}: 3    # instead of {field}" if meant else f"remove {field}")


def test_a_field_of_another_launcher_is_named_as_not_used() -> None:
    assert settings("local", mem_gb=3, select="1:ncpus=2").ignored == ("mem_gb", "select")


def test_slots_that_no_job_can_fill_are_told() -> None:
    assert settings("slurm", slots=4).ignored == ("slots=4, beyond tasks_per_job=1",)
    assert settings("pbs", slots=4, tasks_per_job=3).ignored == ("slots=4, beyond tasks_per_job=3",)
    assert settings("slurm", slots=4, tasks_per_job=8).ignored == ()


def test_a_sites_time_that_is_none_is_told_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HSM_HPC_WALLTIME", "30")
    with pytest.raises(ConfigError, match=r"HSM_HPC_WALLTIME: walltime 30 has no unit(?s:.*)export HSM_HPC"):
        settings("slurm")
    assert settings("slurm", timeout_min=7).resources.walltime_min == 7
    assert settings("local").resources.walltime_min is None


@pytest.mark.parametrize(
    ("visible", "why"), [(None, "nvidia-smi not found on PATH"), ("", "CUDA_VISIBLE_DEVICES is ''"), ("1", "")]
)
def test_gpus_that_are_not_there_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, visible: str | None, why: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    told = (f"gpus=auto, as there is no GPU here: {why}",) if why else ()
    for gpus, found in (("auto", told), ("none", ())):
        wished = settings("local", gpus=gpus)
        assert (*wished.ignored, *gpus_in_vain(wished, pool_worker(wished))) == found
    assert settings("slurm", gpus="auto").ignored == ("gpus",)

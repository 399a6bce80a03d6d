"""What a job asks for, of fields that name what a task needs."""

from __future__ import annotations

from typing import Any

import pytest

from hsm_core.errors import ConfigError
from hsm_core.hydra_bridge.launcher.recorded_fields import defaults
from hsm_core.schedulers.amounts import check_amounts, cores_for_slots
from hsm_core.schedulers.slurm.jobs import asked_of_slurm


@pytest.mark.parametrize(
    ("fields", "slots", "asked"),
    [
        ({}, 1, None),
        ({}, 4, 4),
        ({"cpus_per_task": 3}, 1, 3),
        ({"cpus_per_task": 3}, 4, 12),
        ({"resources": "--exclusive"}, 4, None),
        ({"select": "1:ncpus=8"}, 4, None),
        ({"directives": ["#SBATCH -c 8"]}, 4, None),
        ({"cpus_per_gpu": 8}, 4, None),
        ({"directives": [], "additional_parameters": {}, "resources": None}, 4, 4),
    ],
)
def test_tasks_at_once_have_a_core_each_unless_it_is_said_otherwise(
    fields: dict[str, Any], slots: int, asked: int | None
) -> None:
    assert cores_for_slots({"cpus_per_task": None, **fields}, slots) == asked


@pytest.mark.parametrize("amount", [float("inf"), float("nan"), 0.0001, -1])
def test_memory_is_a_number_of_gib(amount: float) -> None:
    fields = dict.fromkeys(("cpus_per_task", "cpus_per_gpu", "gpus_per_task", "timeout_min", "gpus_per_node"))
    with pytest.raises(ConfigError, match=f"hydra.launcher.mem_gb={amount} must be a number of GiB"):
        check_amounts({**fields, "nodes": 1, "tasks_per_node": 1, "mem_gb": amount})


@pytest.mark.parametrize(
    ("gres", "slots", "per_gpu", "fix"),
    [
        ("gpu:1", 2, 1, "gres=gpu:2 "),
        ("gpu", 2, 1, "gres=gpu:2 "),
        ("gpu:a100:2", 8, 2, "gres=gpu:a100:4 "),
        ("gpu:2", 2, 1, ""),
        ("gpu:1", 2, 2, ""),
        ("gpu:1", 1, 1, ""),
        ("tmpdisk:1", 4, 1, ""),
        ("gpu:a100", 4, 4, ""),
    ],
)
def test_slots_do_not_share_a_gpu_unasked(gres: str, slots: int, per_gpu: int, fix: str) -> None:
    unset = {name: None if str(value).startswith("${") else value for name, value in defaults().items()}
    fields = {**unset, "gres": gres, "tasks_per_gpu": per_gpu}
    if not fix:
        assert asked_of_slurm(fields, slots).gres == gres
        return
    with pytest.raises(ConfigError) as caught:
        asked_of_slurm(fields, slots)
    assert caught.value.fix.startswith(f"hydra.launcher.{fix}")

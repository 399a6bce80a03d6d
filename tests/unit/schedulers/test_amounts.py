"""What a job asks for, of settings that name what a task needs."""

from __future__ import annotations

from typing import Any

import pytest

from hsm_core.errors import ConfigError
from hsm_core.model import Resources
from hsm_core.schedulers.amounts import for_slots
from hsm_core.schedulers.pbs.settings import PbsResources
from hsm_core.schedulers.slurm.jobs import asked_of_slurm
from hsm_core.schedulers.slurm.settings import SlurmResources
from hsm_core.settings import LauncherSettings, QueueSettings
from hsm_core.sources.worker_command import job_worker


def settings(resources: Resources, slots: int, per_gpu: int = 1) -> LauncherSettings:
    return LauncherSettings(
        slots=slots, tasks_per_gpu=per_gpu, queue=QueueSettings(tasks_per_job=8), resources=resources
    )


@pytest.mark.parametrize(
    ("resources", "slots", "asked"),
    [
        ({}, 1, None),
        ({}, 4, 4),
        ({"cpus_per_task": 3}, 1, 3),
        ({"cpus_per_task": 3}, 4, 12),
        ({"raw": "--exclusive"}, 4, None),
        ({"directives": ("#SBATCH -c 8",)}, 4, None),
        ({"cpus_per_gpu": 8}, 4, None),
        ({"additional_parameters": {"exclusive": True}}, 4, None),
    ],
)
def test_tasks_at_once_have_a_core_each_unless_it_is_said_otherwise(
    resources: dict[str, Any], slots: int, asked: int | None
) -> None:
    assert asked_of_slurm(settings(SlurmResources(**resources), slots)).cpus_per_task == asked


def test_a_jobs_amounts_are_those_of_all_its_tasks() -> None:
    one = PbsResources(mem_gb=1.5, gpus_per_node=1, walltime_min=60)
    asked = for_slots(one, settings(one, 4, per_gpu=2), says_cores=True)
    assert asked == PbsResources(mem_gb=6, gpus_per_node=2, walltime_min=60)


def test_slots_that_no_job_can_fill_are_not_asked_for() -> None:
    alone = LauncherSettings(slots=4, resources=Resources(mem_gb=1))
    assert for_slots(alone.resources, alone, says_cores=False) == Resources(mem_gb=1)
    assert job_worker(alone, "slurm").slots == 1


def test_a_worker_is_told_what_its_scheduler_does_near_the_end() -> None:
    resources = SlurmResources(signal_delay_s=30, max_num_timeout=2, stderr_to_stdout=True)
    on_slurm = job_worker(settings(resources, 1), "slurm")
    assert (on_slurm.warn_s, on_slurm.max_restarts, on_slurm.stderr_to_stdout) == (30.0, 2, True)
    on_pbs = job_worker(settings(PbsResources(), 1), "pbs")
    assert (on_pbs.warn_s, on_pbs.max_restarts, on_pbs.stderr_to_stdout) == (0.0, 0, False)


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
    wished = settings(SlurmResources(gres=gres), slots, per_gpu)
    if not fix:
        assert asked_of_slurm(wished).gres == gres
        return
    with pytest.raises(ConfigError) as caught:
        asked_of_slurm(wished)
    assert caught.value.fix.startswith(f"hydra.launcher.{fix}")

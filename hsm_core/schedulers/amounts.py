"""Turns the amounts of one task into those of a job, which may run several tasks at once."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TypeVar

from hsm_core.model import Resources
from hsm_core.settings import LauncherSettings

Asked = TypeVar("Asked", bound=Resources)


def for_slots(asked: Asked, settings: LauncherSettings, *, says_cores: bool) -> Asked:
    """Returns the amounts that a job asks for, given what one task needs.

    Args:
        asked: the amounts of one task.
        says_cores: whether the scheduler's own fields say how many cores there are.
    """
    slots = settings.slots_of_job
    if slots == 1:
        return asked
    says_cores = says_cores or bool(asked.raw or asked.directives)
    usual = None if says_cores else 1  # for each task that names none, if nothing else says how many
    return replace(
        asked,
        cpus_per_task=times(usual if asked.cpus_per_task is None else asked.cpus_per_task, slots),
        mem_gb=None if asked.mem_gb is None else asked.mem_gb * slots,
        gpus_per_node=times(asked.gpus_per_node, gpu_shares(settings)),
    )


def times(amount: int | None, count: int) -> int | None:
    """Returns ``count`` times the amount; None stays None."""
    return None if amount is None else amount * count


def gpu_shares(settings: LauncherSettings) -> int:
    """Returns how many times one task's GPUs a job needs whose tasks share them."""
    return -(-settings.slots_of_job // settings.tasks_per_gpu)


def longer(asked: Asked, times: int, own_time: str) -> tuple[Asked, str]:
    """Returns the amounts of a job that runs ``times`` as long, and a message on its time; see ``JobWriter.longer``.

    Args:
        own_time: a regular expression for the time in the scheduler's own words.
    """
    if times == 1:
        return asked, ""
    if asked.walltime_min is None:
        own = " ".join([asked.raw or "", *asked.directives])
        return asked, _time_stays(is_own=re.search(own_time, own) is not None)
    asked = replace(asked, walltime_min=asked.walltime_min * times)
    return asked, f"for timeout_min={asked.walltime_min}"


def _time_stays(*, is_own: bool) -> str:
    """Returns the message for a job that gets more to do but no more time.

    Args:
        is_own: the user asked for the time in the scheduler's own words.
    """
    if is_own:
        return "each within the time that your own words ask for; check that it is enough"
    return "each with the site's default walltime; to ask for more: hydra.launcher.walltime=…"

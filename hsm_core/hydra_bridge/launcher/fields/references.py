"""Which of the launcher's fields are heeded, may follow a task, and refer to what a task may set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from hsm_core.schedulers.batch_system import BatchSystem
from hsm_core.schedulers.registry import own_systems

from .declared import LauncherConf

#: Fields that only a scheduler heeds, whichever.
_OF_SCHEDULERS = (
    "walltime", "timeout_min", "nodes", "tasks_per_node", "mem_gb", "gpus_per_node", "queue", "partition",
    "account", "priority", "array_parallelism", "resources", "directives", "mode", "max_array_size",
    "tasks_per_job", "mail_user", "mail_type", "setup", "setup_strict",
)  # fmt: skip
_OF_SUBMITIT = ("submitit_folder", "use_srun")
#: How several places share a sweep.
OF_SEVERAL = ("sources", "strategy", "parallel_limit", "degraded_after", "disabled_after", "probe_after_s")
_OF_HOSTS = (
    "hosts", "transport", "host_keys", "on_host_lost", "host_lost_after_s", "ssh_config", "path_map", "results",
    "cleanup",
)  # fmt: skip
#: Of these, what says how the whole sweep is divided or run.
_OF_SWEEP = {
    "mode", "tasks_per_job", "array_parallelism", "max_array_size", "setup", "setup_strict", "max_num_timeout",
    "flavour", "template",
}  # fmt: skip
#: Of Hydra's own part of a config, what differs from task to task.
_OF_HYDRAS_TASK = (
    r"hydra[.:](?:launcher|runtime\.choices|runtime\.output_dir|job\.num|job\.id|job\.override_dirname"
    r"|overrides|sweep\.subdir)\b"
)
#: References that are the same for all tasks.
_COMMON = re.compile(rf"\$\{{(?!{_OF_HYDRAS_TASK})(?:oc\.env|hydra|now|hsm\.[a-z_]+)[:.]")
#: The beginning of a reference, where no backslash makes it text.
_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\$\{")
#: Whatever may be a key, with dots, in a text that refers to something, also as a resolver's argument.
_KEY = re.compile(r"[A-Za-z_][\w.]*")


def meaningless(system: BatchSystem | None) -> tuple[str, ...]:
    """Returns the fields that mean nothing where tasks go, in the order in which they are told.

    Args:
        system: None: a pool on this machine.
    """
    of_some = frozenset[str]().union(*(one.fields for one in own_systems()))
    heeded = frozenset[str]() if system is None else system.fields
    others = tuple(name for name in LauncherConf.__dataclass_fields__ if name in of_some - heeded)
    return (*(_OF_SCHEDULERS if system is None else ("gpus",)), *others, *_OF_SUBMITIT, *_OF_HOSTS, *OF_SEVERAL)


def may_follow_task(field: str) -> bool:
    """Whether a field may differ from task to task: what a job asks for, in another package's own fields too.

    All other fields say how the whole sweep goes or is divided.
    """
    return field in _of_task() or field not in LauncherConf.__dataclass_fields__


@cache
def _of_task() -> frozenset[str]:
    return frozenset({"cpus_per_task", *meaningless(None)}) - _OF_SWEEP


def is_of_tasks(value: object) -> bool:
    """Whether a field, or anything in it, refers to what a task may set."""
    if isinstance(value, dict):
        return any(map(is_of_tasks, value.values()))
    if isinstance(value, list):
        return any(map(is_of_tasks, value))
    return isinstance(value, str) and _REFERENCE.search(_COMMON.sub("", value)) is not None


@dataclass(frozen=True)
class Referred:
    """Returns the keys that some fields refer to, and those that these refer to in turn.

    Args:
        tops: first parts of keys.
        all_overrides: whatever a task overrides matters.
        number: so does its number.
        job_id: and the id of its job, which nobody knows before it is submitted.
    """

    tops: frozenset[str]
    all_overrides: bool
    number: bool
    job_id: bool

    def __or__(self, other: Referred) -> Referred:
        return Referred(
            self.tops | other.tops, self.all_overrides or other.all_overrides, self.number or other.number,
            self.job_id or other.job_id,
        )  # fmt: skip


def referred(written: Mapping[str, object], texts: Iterable[str]) -> Referred:
    """Follow references.

    Args:
        written: the whole config as a dict, unresolved.
        texts: the fields, as written.
    """
    todo, tops, of_hydra = list(texts), set[str](), set[str]()
    while todo:
        for key in _KEY.findall(todo.pop()):
            top = key.partition(".")[0]
            if top == "hydra":
                if key not in of_hydra:
                    of_hydra.add(key)
                    todo += _referring(_at(written, key)) if re.match(_OF_HYDRAS_TASK, key) else ()
            elif top not in tops:
                tops.add(top)
                todo += _referring(written.get(top))
    told = " ".join(of_hydra)
    number = re.search(r"job\.num\b|sweep\.subdir|output_dir", told) is not None
    return Referred(
        frozenset(tops),
        all_overrides=number or re.search(r"override_dirname|overrides", told) is not None,
        number=number,
        job_id="hydra.job.id" in of_hydra,
    )


def _at(written: Mapping[str, object], key: str) -> object:
    """Returns the node below a dotted key; where there is none, the one that it should be in."""
    node: object = written
    for name in key.split("."):
        if not isinstance(node, dict) or name not in node:
            break
        node = node[name]
    return node


def _referring(node: object) -> Iterator[str]:
    """The texts in it that refer to something."""
    if isinstance(node, str):
        yield from (node,) if "${" in node else ()
    elif isinstance(node, (dict, list)):
        for child in node.values() if isinstance(node, dict) else node:
            yield from _referring(child)

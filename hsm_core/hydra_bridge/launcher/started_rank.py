"""A rank that a task starts by its own command line, as Lightning's DDP does, is that task and no further sweep."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hsm_core.model import Task
from hsm_core.overrides import hydra_text
from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import read_record
from hsm_core.store.sweeps.sweep_root import sweep_root
from hsm_core.store.tasks import TaskTable

from ..error_display import shown
from ..task.config import as_typed

#: Variables that number the processes of a task; the first of them is the task itself.
_RANKS = ("LOCAL_RANK", "RANK")


def join_task(context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
    """In such a rank, run that one task as Hydra's basic launcher does, in its directory, and end the process.

    Args:
        config: of the sweep that the command line asks for.

    Raises:
        Exception: whatever the task raises.
        SystemExit: the task returned.
    """
    task = shown(lambda: _task_of(os.environ, config))
    if task is None:
        return
    directory = Path(os.environ["HSM_TASK_DIR"])
    fields = {"hydra.sweep.dir": str(directory.parent), "hydra.sweep.subdir": directory.name}
    place = [f"{name}={hydra_text(value)}" for name, value in fields.items()]
    basic = ConfigStore.instance().load("hydra/launcher/basic.yaml").node._target_
    launcher: Any = Plugins.instance().class_name_to_class[basic]()
    launcher.setup(hydra_context=context, task_function=task_function, config=config)
    (returned,) = launcher.launch([[*task.overrides, *place]], task.number)
    _ = returned.return_value  # raises what the task raised
    raise SystemExit(0)


def _task_of(environ: Mapping[str, str], config: DictConfig) -> Task | None:
    """The task that this process is a further rank of; None if it is none, or the command line is another one."""
    number, directory = environ.get("HSM_TASK_ID", ""), environ.get("HSM_TASK_DIR", "")
    if not number.isdigit() or not directory or not any(_is_further(environ.get(name, "")) for name in _RANKS):
        return None
    root = sweep_root(Path(directory))
    if root is None:
        return None
    paths = SweepPaths.at(root)
    record = read_record(paths)
    typed = tuple(as_typed(config.hydra.overrides.task))
    if record.id != environ.get("HSM_SWEEP_ID") or record.overrides.get("task", ()) != typed:
        return None
    return TaskTable(paths)[int(number)]


def _is_further(rank: str) -> bool:
    return rank.isdigit() and int(rank) > 0

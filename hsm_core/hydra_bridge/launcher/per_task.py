"""Resources that depend on the task: ``hydra.launcher.mem_gb: ${model.mem}``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hsm_core.errors import ConfigError
from hsm_core.overrides import quoted

from ..task.config import task_config
from .fields import meaningless
from .recorded_fields import OF_ONE_RUN, fields_written
from .references import is_of_tasks, may_follow_task, referred
from .resolve import resolved
from .settings import launcher_values

#: What to type where a value of each task is wanted.
_INSTEAD = dict.fromkeys(("env", "setup"), "in the task's function: os.environ['NAME'] = str(cfg.…)")


class FieldsByTask:
    """The launcher's fields as they are for each task.

    They are resolved once for each distinct combination of what the fields refer to: choices of config groups,
    and values below the same top-level keys.

    Args:
        tasks_config: the master config of the tasks.
        config: the config of this run, whose launcher node counts.
        values: the launcher's fields where no task has a say.
        backend: where the tasks go; what means nothing there is not resolved.
    """

    def __init__(
        self, loader: Any, tasks_config: DictConfig, config: DictConfig, values: Mapping[str, Any], backend: str
    ) -> None:
        self._loader, self._tasks_config, self._values = loader, tasks_config, values
        written: Any = OmegaConf.to_container(config, resolve=False)
        node = fields_written(config)
        self._timeout_min = node["timeout_min"]
        referring = {name: value for name, value in node.items() if name not in OF_ONE_RUN and is_of_tasks(value)}
        self.unused = tuple(name for name in meaningless(backend) if name in referring)
        self._varying = {name: value for name, value in referring.items() if name not in self.unused}
        self._is_queue = backend != "local"
        self._known: dict[tuple[object, ...], Mapping[str, Any]] = {}
        self._referred = referred(written, self._texts)

    def fields_of(self, task: int, overrides_of: Callable[[int], Sequence[str]]) -> Mapping[str, Any]:
        """The fields for a task; the same object for tasks that agree in all that is referred to.

        Args:
            overrides_of: a task's overrides; asked only where a field refers to something.

        Raises:
            HydraException, OmegaConfBaseException: its config can't be composed.
            ConfigError: a field can't be resolved, its value means nothing, or it can't follow a task.
        """
        if not self._varying:
            return self._values
        while True:
            relevant = tuple(text for text in overrides_of(task) if self._matters(text))
            key = (task, *relevant) if self._referred.number else relevant
            if key in self._known:
                return self._known[key]
            config = task_config(self._loader, self._tasks_config, relevant, task, "")
            if self._has_learnt(config):
                continue
            self._known[key] = self._resolve(config, relevant)

    def _matters(self, override: str) -> bool:
        """True for a choice of a config group, and for a value below a key that is referred to."""
        key = override.lstrip("+~").partition("=")[0].partition("@")[0]
        if self._referred.all_overrides or "/" in key or key in self._loader.list_groups(""):
            return True
        return key.partition(".")[0] in self._referred.tops

    @property
    def _texts(self) -> list[str]:
        return [str(value) for value in self._varying.values()]

    def _has_learnt(self, config: DictConfig) -> bool:
        """Whether more matters than was known: what a task chose may refer to more than the sweep's own choice."""
        found = self._referred | referred(OmegaConf.to_container(config, resolve=False), self._texts)
        is_new, self._referred = found != self._referred, found
        return is_new

    def _resolve(self, config: DictConfig, relevant: Sequence[str]) -> Mapping[str, Any]:
        if self._referred.job_id:
            told = ", ".join(f"{name}={value}" for name, value in self._varying.items())
            raise ConfigError(
                "hydra.job.id is unknown until the job is submitted", evidence=told, fix="${hydra.job.num}"
            )
        for name, text in self._varying.items():
            OmegaConf.update(config, f"hydra.launcher.{name}", text, merge=False, force_add=True)
        found = {name: resolved(config, name) for name in self._varying}
        self._require_same_for_all(found, relevant)
        if "walltime" in found:
            found.setdefault("timeout_min", self._timeout_min)  # not what the master's walltime made of it
        return {**self._values, **launcher_values({**self._values, **found})}

    def _require_same_for_all(self, found: Mapping[str, Any], relevant: Sequence[str]) -> None:
        for name in found:
            if not (self._is_queue and may_follow_task(name)) and found[name] != self._values[name]:
                raise ConfigError(
                    f"hydra.launcher.{name}={self._varying[name]} is the same for all tasks, so it can't depend on "
                    f"one of them sets",
                    evidence=" ".join(relevant),
                    fix=_INSTEAD.get(name, quoted(f"hydra.launcher.{name}={found[name]}")),
                )

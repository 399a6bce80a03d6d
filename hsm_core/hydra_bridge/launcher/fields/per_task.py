"""Resources that depend on the task: ``hydra.launcher.mem_gb: ${model.mem}``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf

from hsm_core.errors import ConfigError
from hsm_core.overrides import key_of, quoted
from hsm_core.schedulers.batch_system import BatchSystem
from hsm_core.settings import LauncherSettings

from ...plain import as_written
from ...task.config import task_config
from .recorded import OF_ONE_RUN, fields_written
from .references import is_of_tasks, may_follow_task, meaningless, referred
from .resolve import resolved
from .settings import launcher_settings, launcher_values

#: What to type where a value of each task is wanted.
_INSTEAD = dict.fromkeys(("env", "setup"), "in the task's function: os.environ['NAME'] = str(cfg.…)")


class SettingsByTask:
    """The launcher's settings as they are for each task.

    They are resolved once for each distinct combination of what the fields refer to: choices of config groups,
    and values below the same top-level keys.

    Args:
        tasks_config: the master config of the tasks.
        config: the config of this run, whose launcher node counts.
        values: the launcher's fields as plain values, where no task has a say.
        common: the settings that they are.
        system: where the tasks go, None: to a pool here; what means nothing there is not resolved.
        fixed: fields that were set for this source alone, whatever the launcher's say.
    """

    def __init__(
        self, loader: ConfigLoader, tasks_config: DictConfig, config: DictConfig, values: Mapping[str, object],
        common: LauncherSettings, system: BatchSystem | None, fixed: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._loader, self._tasks_config, self._values, self._system = loader, tasks_config, values, system
        self._common = common
        node = {name: value for name, value in fields_written(config).items() if name not in fixed}
        self._timeout_min = node.get("timeout_min")
        referring = {name: value for name, value in node.items() if name not in OF_ONE_RUN and is_of_tasks(value)}
        self.unused = tuple(name for name in meaningless(system) if name in referring)
        self._varying = {name: value for name, value in referring.items() if name not in self.unused}
        self._known: dict[tuple[object, ...], LauncherSettings] = {}
        self._referred = referred(as_written(config), self._texts)

    def settings_of(self, task: int, overrides_of: Callable[[int], Sequence[str]]) -> LauncherSettings:
        """The settings for a task; the same object for tasks that agree in all that is referred to.

        Args:
            overrides_of: a task's overrides; asked only where a field refers to something.

        Raises:
            HydraException, OmegaConfBaseException: its config can't be composed.
            ConfigError: a field can't be resolved, its value means nothing, or it can't follow a task.
        """
        if not self._varying:
            return self._common
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
        key = key_of(override).partition("@")[0]
        if self._referred.all_overrides or "/" in key or key in self._loader.list_groups(""):
            return True
        return key.partition(".")[0] in self._referred.tops

    @property
    def _texts(self) -> list[str]:
        return [str(value) for value in self._varying.values()]

    def _has_learnt(self, config: DictConfig) -> bool:
        """Whether more matters than was known: what a task chose may refer to more than the sweep's own choice."""
        found = self._referred | referred(as_written(config), self._texts)
        is_new, self._referred = found != self._referred, found
        return is_new

    def _resolve(self, config: DictConfig, relevant: Sequence[str]) -> LauncherSettings:
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
        return launcher_settings(launcher_values({**self._values, **found}), self._system)

    def _require_same_for_all(self, found: Mapping[str, object], relevant: Sequence[str]) -> None:
        for name in found:
            follows = self._system is not None and may_follow_task(name)
            if not follows and found[name] != self._values[name]:
                raise ConfigError(
                    f"hydra.launcher.{name}={self._varying[name]} is the same for all tasks, so it can't depend on "
                    f"one of them sets",
                    evidence=" ".join(relevant),
                    fix=_INSTEAD.get(name, quoted(f"hydra.launcher.{name}={found[name]}")),
                )

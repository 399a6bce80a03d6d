"""Resources that depend on the task: ``hydra.launcher.mem_gb: ${model.mem}``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hsm_core.errors import ConfigError

from .compose import task_config
from .fields_typed import defaults
from .run_settings import launcher_values

#: References that are the same for all tasks.
_COMMON = re.compile(r"\$\{(?:oc\.env|hydra|now|hsm\.[a-z_]+)[:.]")
#: Fields that say how the whole sweep is divided.
_OF_SWEEP = (
    "mode", "tasks_per_job", "slots", "tasks_per_gpu", "array_parallelism", "max_array_size", "max_num_timeout",
    "flavour", "template",
)  # fmt: skip
#: Whatever may be a key in a text that refers to something, also as a resolver's argument.
_WORD = re.compile(r"[A-Za-z_]\w*")


class FieldsByTask:
    """The launcher's fields as they are for each task.

    They are resolved once for each distinct combination of what the fields refer to: choices of config groups,
    and values below the same top-level keys.

    Args:
        tasks_config: the master config of the tasks.
        config: the config of this run, whose launcher node counts.
        values: the launcher's fields where no task has a say.
        overrides_of: a task's overrides.
    """

    def __init__(
        self, loader: Any, tasks_config: DictConfig, config: DictConfig, values: Mapping[str, Any],
        overrides_of: Callable[[int], Sequence[str]],
    ) -> None:  # fmt: skip
        self._loader, self._tasks_config, self._values = loader, tasks_config, values
        self._overrides_of = overrides_of
        node: Any = OmegaConf.to_container(config.hydra.launcher, resolve=False)
        self._timeout_min = node["timeout_min"]
        self._varying = {name: text for name, text in node.items() if _is_of_tasks(text)}
        self._known: dict[tuple[str, ...], Mapping[str, Any]] = {}
        self._tops = self._top_keys(config)

    @property
    def common(self) -> Mapping[str, Any]:
        """The fields as far as they are the same for all tasks; the others as where nobody sets them."""
        plain = defaults()
        return {**self._values, **{name: plain[name] for name in self._varying if name in plain}}

    def fields_of(self, task: int) -> Mapping[str, Any]:
        """The fields for a task.

        Raises:
            HydraException, OmegaConfBaseException: its config can't be composed.
            ConfigError: a value means nothing.
        """
        if not self._varying:
            return self._values
        relevant = tuple(text for text in self._overrides_of(task) if self._matters(text))
        self._require_same_for_all(relevant)
        if relevant not in self._known:
            self._known[relevant] = self._resolve(task, relevant)
        return self._known[relevant]

    def _require_same_for_all(self, relevant: Sequence[str]) -> None:
        """Refuse a field of the whole sweep that refers to what a task sets."""
        for name in _OF_SWEEP:
            words = set(_WORD.findall(str(self._varying.get(name, ""))))
            told = [text for text in relevant if text.lstrip("+~").partition("=")[0].partition(".")[0] in words]
            if told:
                raise ConfigError(
                    f"hydra.launcher.{name}={self._varying[name]} is the same for all tasks, and can't follow what "
                    f"one of them sets", evidence=told[0], fix=f"hydra.launcher.{name}={self._values[name]}",
                )  # fmt: skip

    def _matters(self, override: str) -> bool:
        """True for a choice of a config group, and for a value below a key that is referred to."""
        key = override.lstrip("+~").partition("=")[0].partition("@")[0]
        return "/" in key or key in self._loader.list_groups("") or key.partition(".")[0] in self._tops

    def _resolve(self, task: int, relevant: tuple[str, ...]) -> Mapping[str, Any]:
        config = task_config(self._loader, self._tasks_config, relevant, task, str(task))
        for name, text in self._varying.items():
            OmegaConf.update(config, f"hydra.launcher.{name}", text, force_add=True)
        found = {name: config.hydra.launcher[name] for name in self._varying}
        if "walltime" in found:
            found.setdefault("timeout_min", self._timeout_min)  # not what the master's walltime made of it
        return {**self._values, **launcher_values({**self._values, **found})}

    def _top_keys(self, config: DictConfig) -> set[str]:
        """First parts of what the fields refer to, and of what that refers to in turn."""
        plain: Any = OmegaConf.to_container(config, resolve=False)
        tops: set[str] = set()
        texts = [str(text) for text in self._varying.values()]
        while texts:
            for word in _WORD.findall(texts.pop()):
                if word in plain and word not in tops:
                    tops.add(word)
                    texts.append(str(plain[word]))
        return tops | set(_WORD.findall(" ".join(map(str, self._varying.values()))))


def _is_of_tasks(text: Any) -> bool:
    return isinstance(text, str) and "${" in _COMMON.sub("", text)

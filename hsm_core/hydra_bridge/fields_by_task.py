"""Resources that depend on the task: ``hydra.launcher.mem_gb: ${model.mem}``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hsm_core.errors import ConfigError

from .compose import task_config
from .fields_typed import OF_ONE_RUN, defaults
from .launcher_fields import MEANINGLESS
from .references import resolved
from .run_settings import launcher_values

#: References that are the same for all tasks.
_COMMON = re.compile(r"\$\{(?:oc\.env|hydra|now|hsm\.[a-z_]+)[:.]")
#: The beginning of a reference, where no backslash makes it text.
_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\$\{")
#: What a job asks for; all other fields say how the whole sweep goes or is divided.
_OF_TASK = frozenset(("cpus_per_task", *MEANINGLESS["local"])) - {
    "mode", "tasks_per_job", "array_parallelism", "max_array_size", "setup", "max_num_timeout", "flavour", "template",
}  # fmt: skip
#: Whatever may be a key in a text that refers to something, also as a resolver's argument.
_WORD = re.compile(r"[A-Za-z_]\w*")
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
        self._varying = {
            name: value for name, value in node.items() if name not in OF_ONE_RUN and _is_of_tasks(value)
        }
        self._known: dict[tuple[str, ...], Mapping[str, Any]] = {}
        self._tops = self._top_keys(config)

    @property
    def common(self) -> Mapping[str, Any]:
        """The fields as far as they are the same for all tasks; the others as where nobody sets them."""
        unset = {name: None if str(value).startswith("${") else value for name, value in defaults().items()}
        return {**self._values, **{name: unset[name] for name in self._varying}}

    def fields_of(self, task: int) -> Mapping[str, Any]:
        """The fields for a task.

        Raises:
            HydraException, OmegaConfBaseException: its config can't be composed.
            ConfigError: a field can't be resolved, or its value means nothing.
        """
        if not self._varying:
            return self._values
        relevant = tuple(text for text in self._overrides_of(task) if self._matters(text))
        if relevant not in self._known:
            self._known[relevant] = self._resolve(task, relevant)
        return self._known[relevant]

    def require_followed(self, tasks: Iterable[int]) -> None:
        """Refuse a field of the whole sweep that would not be the same for all of these tasks.

        Raises:
            ConfigError: there is one.
        """
        if not _OF_TASK.issuperset(self._varying):
            for task in tasks:
                self.fields_of(task)

    def _matters(self, override: str) -> bool:
        """True for a choice of a config group, and for a value below a key that is referred to."""
        key = override.lstrip("+~").partition("=")[0].partition("@")[0]
        return "/" in key or key in self._loader.list_groups("") or key.partition(".")[0] in self._tops

    def _resolve(self, task: int, relevant: tuple[str, ...]) -> Mapping[str, Any]:
        config = task_config(self._loader, self._tasks_config, relevant, task, str(task))
        for name, text in self._varying.items():
            OmegaConf.update(config, f"hydra.launcher.{name}", text, merge=False, force_add=True)
        found = {name: resolved(config, name) for name in self._varying}
        self._require_same_for_all(found, relevant)
        if "walltime" in found:
            found.setdefault("timeout_min", self._timeout_min)  # not what the master's walltime made of it
        return {**self._values, **launcher_values({**self._values, **found})}

    def _require_same_for_all(self, found: Mapping[str, Any], relevant: Sequence[str]) -> None:
        for name in found.keys() - _OF_TASK:
            if found[name] != self._values[name]:
                raise ConfigError(
                    f"hydra.launcher.{name}={self._varying[name]} is the same for all tasks, and can't follow what "
                    f"one of them sets",
                    evidence=" ".join(relevant),
                    fix=_INSTEAD.get(name, f"hydra.launcher.{name}={self._values[name]}"),
                )

    def _top_keys(self, config: DictConfig) -> set[str]:
        """First parts of what the fields refer to, and of what that refers to in turn."""
        written: Any = OmegaConf.to_container(config, resolve=False)
        tops: set[str] = set()
        texts = [str(text) for text in self._varying.values()]
        while texts:
            for word in _WORD.findall(texts.pop()):
                if word in written and word not in tops:
                    tops.add(word)
                    texts.append(str(written[word]))
        return tops | set(_WORD.findall(" ".join(map(str, self._varying.values()))))


def _is_of_tasks(value: Any) -> bool:
    """Whether a field, or anything in it, refers to what a task may set."""
    if isinstance(value, dict):
        return any(map(_is_of_tasks, value.values()))
    if isinstance(value, list):
        return any(map(_is_of_tasks, value))
    return isinstance(value, str) and _REFERENCE.search(_COMMON.sub("", value)) is not None

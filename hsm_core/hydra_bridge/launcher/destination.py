"""Where a launcher's tasks go, by its fields: the sources, their workers, and what each task asks of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from hsm_core.hosts.interface import Patience
from hsm_core.sources.interface import Source
from hsm_core.sources.registry import SourceSettings, queue_at
from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import SourceRecord
from hsm_core.store.tasks import TaskTable

from ..plain import typed_overrides
from .fields.per_task import SettingsByTask
from .fields.settings import known_values, launcher_settings
from .local_paths import local_paths, local_paths_of
from .places import places_of

#: Returns the overrides of a task, by its number.
Overrides = Callable[[int], Sequence[str]]


class Destination:
    """The sources that a launcher's tasks go to, and how they run there.

    Args:
        name: of the place, as the launcher says: ``local``, ``slurm``, ``ssh``.
        fields: the launcher's.
        config: of this run, whose launcher node counts.
        loader: composes the configs of tasks.
        patience: of who waits for the commands of its hosts.
        own: fields that were set for it alone, where it is one of several; they are among ``fields``.
        source: what it is called there.

    Attributes:
        system: whose queue it is; None: a pool of workers on this machine.
        settings: the launcher's fields, where no task has a say.
        patience: of who waits for the commands of its hosts.

    Raises:
        ConfigError, BackendError: a field means nothing, or there is no such source.
    """

    def __init__(
        self, name: str, fields: Mapping[str, object], config: DictConfig, loader: ConfigLoader,
        patience: Patience | None = None, *, own: Mapping[str, object] | None = None, source: str = "",
    ) -> None:  # fmt: skip
        self.name, self.system = name, queue_at(name)
        self._values = known_values(fields, self.system, typed_overrides(config, "hydra"))
        self.settings = launcher_settings(self._values, self.system)
        self.patience = patience or Patience()
        self._places = places_of(name, self.settings, self.patience, source)
        if self.settings.code == "verify" and not self._places.is_elsewhere:
            self.settings = replace(self.settings, code="live", ignored=(*self.settings.ignored, "code=verify"))
            self._places = places_of(name, self.settings, self.patience, source)
        self._own = frozenset(own or ())
        self._config, self._loader = config, loader
        self._tasks_config = config
        self._by_task: SettingsByTask | None = None

    def compose_with(self, tasks_config: DictConfig) -> None:
        """From now on the tasks' configs are composed from this master config: a resumed sweep has its own."""
        self._tasks_config, self._by_task = tasks_config, None

    @property
    def records(self) -> tuple[SourceRecord, ...]:
        """Returns the descriptions that a sweep keeps of them.

        Raises:
            BackendError, ConfigError: there is none of this name here.
        """
        return self._places.records()

    def check(self, paths: SweepPaths, code_root: Callable[[], str] | None) -> None:
        """Refuses, before anything is written, what is not here or can't be asked of it.

        Args:
            code_root: returns the directory of the app whose code a new sweep runs; None: it is resumed with its own.

        Raises:
            BackendError, ConfigError: its commands are not on PATH, or fields contradict each other.
        """
        common = self._source_settings(lambda _: ())
        self._places.require(paths, common, lambda: local_paths(self._config))
        if code_root is not None:
            self._places.require_code(code_root)

    @property
    def is_elsewhere(self) -> bool:
        """Returns whether tasks run on machines that don't see this disk."""
        return self._places.is_elsewhere

    def check_tasks(self, tasks: Sequence[Sequence[str]], first: int) -> None:
        """Refuses fields that are wrong for any of these tasks, before one of them is written down.

        Args:
            tasks: their overrides.
            first: the number of the first of them.

        Raises:
            ConfigError: as ``SettingsByTask.settings_of``.
        """
        for number in range(first, first + len(tasks)):
            self._settings_by_task().settings_of(number, lambda task: tasks[task - first])
        self._places.tell_missing(local_paths_of(tasks))

    def sources(self, paths: SweepPaths) -> Sequence[Source]:
        """Returns the sources, to which the tasks of a sweep can be given.

        Raises:
            BackendError, ConfigError: there is none of this name here.
        """
        return self._places.sources(paths, self._source_settings(_Recorded(paths)))

    def preview(self, paths: SweepPaths, tasks: Sequence[Sequence[str]], first: int) -> list[str]:
        """Returns the jobs that these tasks would become, as lines to read.

        Args:
            first: the number of the first of them.
        """
        return [*filter(None, [self.ignored()]), *self.preview_quietly(paths, tasks, first)]

    def preview_quietly(self, paths: SweepPaths, tasks: Sequence[Sequence[str]], first: int) -> Sequence[str]:
        """Returns the same without a word on fields that are ignored."""
        settings = self._source_settings(lambda number: tasks[number - first])
        numbers, detached = range(first, first + len(tasks)), self.settings.detach
        return self._places.preview(paths, settings, numbers, detached=detached)

    def ignored(self) -> str:
        """Returns a line on the fields that were set in vain; empty if there are none."""
        ignored = self.ignored_fields()
        return f"this launcher ignores {', '.join(ignored)}" if ignored else ""

    def ignored_fields(self) -> Sequence[str]:
        """Returns the fields that were set in vain."""
        return [*self._places.ignored(), *self._settings_by_task().unused]

    def _source_settings(self, overrides_of: Overrides) -> SourceSettings:
        by_task = self._settings_by_task()
        return SourceSettings(
            self._places.worker, Path.cwd(), self.settings, lambda number: by_task.settings_of(number, overrides_of)
        )

    def _settings_by_task(self) -> SettingsByTask:
        if self._by_task is None:
            self._by_task = SettingsByTask(
                self._loader, self._tasks_config, self._config, self._values, self.settings, self.system,
                self._own,
            )  # fmt: skip
        return self._by_task


class _Recorded:
    """The overrides of a sweep's tasks, as they are on disk; later launches may add tasks."""

    def __init__(self, paths: SweepPaths) -> None:
        self._paths, self._table = paths, TaskTable(paths)

    def __call__(self, number: int) -> Sequence[str]:
        if number >= len(self._table):
            self._table = TaskTable(self._paths)
        return self._table[number].overrides

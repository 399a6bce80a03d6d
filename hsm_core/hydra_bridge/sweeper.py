"""Runs a sweep: plans its tasks, checks them, and hands them to whichever launcher the user chose."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.plugins.sweeper import Sweeper
from omegaconf import DictConfig, OmegaConf

from hsm_core.errors import ConfigError, HsmError

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn
    from hydra.plugins.launcher import Launcher
    from hydra.types import HydraContext, TaskFunction

    from .handover import PlannedSweep
    from .launcher import LauncherBase
    from .sweeper_settings import Settings
    from .sweeper_work import Work

log = logging.getLogger(__name__)


class SweeperBase(Sweeper):
    """The sweeper ``hsm``, but for its class in ``hydra_plugins``, where Hydra looks for it.

    Its fields are read from the config as the user wrote them: references inside swept values are
    for the task's config.
    """

    def __init__(self, **_fields: Any) -> None:
        self.hydra_context: HydraContext | None = None
        self.config: DictConfig | None = None
        self.launcher: Launcher | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from hydra.core.plugins import Plugins

        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[Sequence[JobReturn]]:
        """Run all tasks of the sweep.

        Returns:
            the returns of each batch, as Hydra's basic sweeper does.

        Raises:
            ConfigError: before anything has started.
            Exception: that of the first task that failed, after its batch.
        """
        from .shown import for_hydra
        from .sweeper_settings import settings_of

        assert self.config is not None
        try:
            settings = settings_of(self.config.hydra.sweeper)
            return self._sweep(arguments, settings)
        except HsmError as error:
            raise for_hydra(error) from error.__cause__

    def _sweep(self, arguments: Sequence[str], settings: Settings) -> list[Sequence[JobReturn]]:
        work = self._recorded(settings) or self._planned(arguments, settings)
        ours = self._our_launcher()
        if settings.dry_run or (ours is not None and self._launcher_is_dry()):
            self._show(work, settings, arguments)
            return []
        batches = _batches(work.tasks, settings.max_batch_size)
        if ours is not None:
            ours.announce(_handover(work, settings, len(batches)))
        if not work.recorded:
            self._write_multirun()
        return self._launch(batches, ours is not None)

    def _planned(self, arguments: Sequence[str], settings: Settings) -> Work:
        from hsm_core.plan.plan import make_plan
        from hsm_core.plan.summary import product_line

        from .config_view import BaseConfig
        from .grammar import Grammar
        from .sweep_axes import sweep_axes
        from .sweeper_work import Work
        from .validate import Validator

        assert self.config is not None
        assert self.hydra_context is not None
        loader = self.hydra_context.config_loader
        grammar = Grammar(loader)
        validator = Validator(loader, self.config, grammar)
        found = sweep_axes(self.config.hydra.sweeper, arguments, grammar)
        for warning in found.warnings:
            log.warning(warning)
        base = BaseConfig(self.config, lambda: validator.variants(found.axes))
        plan = make_plan(found.axes, settings.choice, base)
        count = validator.check(plan, settings.validate)
        log.debug("composed %d of %d tasks", count, len(plan))
        return Work(plan, product_line(plan), plan.excluded)

    def _launch(
        self, batches: Sequence[Sequence[tuple[str, ...]]], lazily: bool
    ) -> list[Sequence[JobReturn]]:
        """Launch batch after batch; a failed task raises its exception when all of them have ended."""
        assert self.launcher is not None
        first, found = 0, []
        for batch in batches:
            overrides = batch if lazily else [list(task) for task in batch]
            found.append(self.launcher.launch(overrides, initial_job_idx=first))
            first += len(batch)
        for one in itertools.chain.from_iterable(found):
            _ = one.return_value
        return found

    def _show(self, work: Work, settings: Settings, arguments: Sequence[str]) -> None:
        from .dry_run import dry_run_lines

        assert self.config is not None
        ours = self._our_launcher()
        preview = ours.preview(work.tasks) if ours is not None else [f"launcher: {self._launcher_name()}"]
        name = settings.name or self.config.hydra.job.name
        lines = dry_run_lines(f"{name}: {work.product}", work.tasks, work.excluded, arguments, preview)
        print("\n".join(lines))

    def _recorded(self, settings: Settings) -> Work | None:
        """The tasks of the sweep that is resumed; None if this is a new one."""
        ours = self._our_launcher()
        if ours is None and settings.resume is not None:
            raise ConfigError(
                f"hydra.sweeper.resume={settings.resume}: launcher '{self._launcher_name()}' keeps no record",
                fix="add the launcher that the sweep began with, such as hydra/launcher=hsm_local",
            )
        from .sweeper_work import Work

        tasks = None if ours is None else ours.recorded_tasks(settings.resume)
        return None if tasks is None else Work(tasks, f"{len(tasks)} recorded tasks", recorded=True)

    def _launcher_name(self) -> str:
        assert self.config is not None
        return str(self.config.hydra.runtime.choices.get("hydra/launcher"))

    def _launcher_is_dry(self) -> bool:
        assert self.config is not None
        return bool(OmegaConf.select(self.config, "hydra.launcher.dry_run"))

    def _our_launcher(self) -> LauncherBase | None:
        from .launcher import LauncherBase

        return self.launcher if isinstance(self.launcher, LauncherBase) else None

    def _write_multirun(self) -> None:
        from hsm_core.store.layout import SweepPaths

        assert self.config is not None
        directory = Path(self.config.hydra.sweep.dir)
        if self._our_launcher() is None and SweepPaths(directory).record.exists():
            return  # the directory of another sweep; ours would have refused it
        directory.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, directory / "multirun.yaml")


def _batches(tasks: Sequence[tuple[str, ...]], most: int | None) -> Sequence[Sequence[tuple[str, ...]]]:
    if most is None or most >= len(tasks):
        return [tasks]
    return [tasks[first : first + most] for first in range(0, len(tasks), most)]


def _handover(work: Work, settings: Settings, batches: int) -> PlannedSweep:
    from .handover import PlannedSweep

    return PlannedSweep(
        tasks=work.tasks,
        name=settings.name,
        description=settings.description,
        tags=settings.tags,
        product=work.product,
        metric=settings.metric,
        batches=batches,
        dry_run=settings.dry_run,
        resume=settings.resume,
    )

"""Runs a sweep: plans its tasks, checks them, and hands them to whichever launcher the user chose."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.plugins.sweeper import Sweeper
from omegaconf import DictConfig, OmegaConf

from hsm_core.errors import ConfigError, HsmError

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn
    from hydra.plugins.launcher import Launcher
    from hydra.types import HydraContext, TaskFunction

    from hsm_core.plan.plan import Plan

    from .launcher import LauncherBase
    from .sweeper_settings import Settings

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
        recorded = self._recorded(settings)
        if recorded is not None:
            return self._run(recorded, settings, arguments, f"{len(recorded)} recorded tasks", ())
        plan = self._planned(arguments, settings)
        from hsm_core.plan.summary import product_line

        return self._run(plan, settings, arguments, product_line(plan), plan.excluded)

    def _planned(self, arguments: Sequence[str], settings: Settings) -> Plan:
        from hsm_core.plan.plan import make_plan

        from .config_view import BaseConfig
        from .grammar import Grammar
        from .sweep_axes import sweep_axes
        from .validate import Validator

        assert self.config is not None
        assert self.hydra_context is not None
        loader = self.hydra_context.config_loader
        grammar, base = Grammar(loader), BaseConfig(self.config)
        found = sweep_axes(self.config.hydra.sweeper, arguments, grammar)
        for warning in found.warnings:
            log.warning(warning)
        plan = make_plan(found.axes, settings.choice, base)
        count = Validator(loader, self.config, grammar).check(plan, settings.validate, base)
        log.debug("composed %d of %d tasks", count, len(plan))
        return plan

    def _run(
        self,
        tasks: Sequence[tuple[str, ...]],
        settings: Settings,
        arguments: Sequence[str],
        product: str,
        excluded: Sequence[tuple[str, int]],
    ) -> list[Sequence[JobReturn]]:
        ours = self._our_launcher()
        if settings.dry_run or (ours is not None and self._launcher_field("dry_run")):
            self._show(tasks, settings, arguments, product, excluded)
            return []
        batches = _batches(tasks, settings.max_batch_size)
        if ours is not None:
            ours.announce(_handover(tasks, settings, product, len(batches)))
        self._write_multirun()
        return list(self._launch(batches, ours is not None))

    def _launch(
        self, batches: Sequence[Sequence[tuple[str, ...]]], lazily: bool
    ) -> Iterator[Sequence[JobReturn]]:
        assert self.launcher is not None
        first = 0
        for batch in batches:
            overrides = batch if lazily else [list(task) for task in batch]
            returns = self.launcher.launch(overrides, initial_job_idx=first)
            for one in returns:
                _ = one.return_value  # raises the task's own exception if it failed
            first += len(batch)
            yield returns

    def _show(
        self,
        tasks: Sequence[tuple[str, ...]],
        settings: Settings,
        arguments: Sequence[str],
        product: str,
        excluded: Sequence[tuple[str, int]],
    ) -> None:
        from .dry_run import dry_run_lines

        assert self.config is not None
        ours = self._our_launcher()
        chosen = self.config.hydra.runtime.choices.get("hydra/launcher")
        preview = ours.preview(tasks) if ours is not None else [f"launcher: {chosen}"]
        name = settings.name or self.config.hydra.job.name
        print("\n".join(dry_run_lines(name, product, tasks, excluded, arguments, preview)))

    def _recorded(self, settings: Settings) -> Sequence[tuple[str, ...]] | None:
        """The tasks of the sweep that is resumed; None if this is a new one."""
        ours = self._our_launcher()
        if ours is not None:
            return ours.recorded_tasks(settings.resume)
        if settings.resume is not None:
            assert self.config is not None
            chosen = self.config.hydra.runtime.choices.get("hydra/launcher")
            raise ConfigError(
                f"hydra.sweeper.resume={settings.resume}: the launcher '{chosen}' keeps no record of sweeps",
                fix="add the launcher that the sweep began with: hydra/launcher=hsm_local",
            )
        return None

    def _our_launcher(self) -> LauncherBase | None:
        from .launcher import LauncherBase

        return self.launcher if isinstance(self.launcher, LauncherBase) else None

    def _launcher_field(self, name: str) -> Any:
        assert self.config is not None
        return OmegaConf.select(self.config, f"hydra.launcher.{name}")

    def _write_multirun(self) -> None:
        from hsm_core.store.layout import SweepPaths

        assert self.config is not None
        directory = Path(self.config.hydra.sweep.dir)
        if SweepPaths(directory).record.exists():
            return  # another sweep's directory: the launcher refuses it, or this is that sweep, resumed
        directory.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, directory / "multirun.yaml")


def _batches(tasks: Sequence[tuple[str, ...]], most: int | None) -> Sequence[Sequence[tuple[str, ...]]]:
    if most is None or most >= len(tasks):
        return [tasks]
    return [tasks[first : first + most] for first in range(0, len(tasks), most)]


def _handover(tasks: Sequence[tuple[str, ...]], settings: Settings, product: str, batches: int) -> Any:
    from .handover import PlannedSweep

    return PlannedSweep(
        tasks=tasks,
        name=settings.name,
        description=settings.description,
        tags=settings.tags,
        product=product,
        metric=settings.metric,
        batches=batches,
        dry_run=settings.dry_run,
        resume=settings.resume,
    )

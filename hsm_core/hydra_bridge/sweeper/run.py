"""Runs a sweep: plans its tasks, checks them, and hands them to whichever launcher the user chose."""

from __future__ import annotations

import copy
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf

from hsm_core.errors import ConfigError, HsmError
from hsm_core.plan.exclude import bind
from hsm_core.plan.plan import Choice, make_plan, product_line, sample_warning
from hsm_core.store.layout import SweepPaths
from hsm_core.text import own_logger, tell

from ..error_display import refuse
from ..faults import Faults
from ..launch_plan import PlannedSweep, PlanTaker
from ..plain import typed_overrides
from ..preview import dry_run_lines
from ..resumed_by import typable
from ..sweep_name import sweep_name
from ..task.hidden import has_secrets, hide_secrets
from .axes import sweep_axes
from .base_config import BaseConfig
from .grammar import Grammar
from .settings import Settings, settings_of
from .validate import Validator

log = own_logger(__name__)


class Sweeping:
    """One run of the sweeper ``hsm``."""

    def __init__(self, context: HydraContext, config: DictConfig, launcher: Launcher) -> None:
        self._context, self._config, self._launcher = context, config, launcher
        self._ours = launcher if isinstance(launcher, PlanTaker) else None

    def sweep(self, arguments: Sequence[str]) -> list[Sequence[JobReturn]]:
        """Runs all tasks of the sweep.

        Returns:
            the returns of each batch, as Hydra's basic sweeper does.

        Raises:
            ConfigError: before anything has started.
            Exception: that of the first task that failed, after its batch.
        """
        try:
            faults, typed = Faults(), typed_overrides(self._config, "hydra")
            return self._sweep(arguments, settings_of(self._config.hydra.sweeper, faults, typed), faults)
        except HsmError as error:
            refuse(error, error.__cause__)

    def _sweep(self, arguments: Sequence[str], settings: Settings, faults: Faults) -> list[Sequence[JobReturn]]:
        recorded = None if faults.found else self._recorded(settings)
        work = recorded or self._planned(arguments, settings, faults)
        if settings.dry_run or (self._ours is not None and self._launcher_is_dry()):
            self._show(work, settings, arguments)
            return []
        batches = _batches(work.tasks, settings.max_batch_size)
        if self._ours is not None:
            self._ours.announce(_handover(work, settings, len(batches)))
        else:
            log.info("Launcher '%s' runs the tasks, and keeps no record for hsm", self._launcher_name())
            log.info(typable("  fix: hydra/launcher=hsm_local    # in parallel, and hsm-status shows them"))
        if not work.recorded:
            self._write_multirun()
        return self._launch(batches)

    def _planned(self, arguments: Sequence[str], settings: Settings, faults: Faults) -> SweepTasks:
        loader = self._context.config_loader
        grammar = Grammar(loader)
        validator = Validator(loader, self._config, grammar)
        found = sweep_axes(self._config.hydra.sweeper, arguments, grammar, faults)
        for warning in found.warnings:
            log.warning(warning)
        base = BaseConfig(self._config, lambda: validator.variants(found.axes))
        for condition in settings.choice.exclude:
            with faults.gathered():
                bind(condition, found.axes, base)
        if faults.found:
            with faults.gathered():  # the keys and choices of what can be read
                readable = make_plan([axis for axis in found.axes if len(axis)], Choice(), base)
                validator.check(readable, settings.validate, faults)
            faults.raise_all()
        plan = make_plan(found.axes, settings.choice, base)
        if told := sample_warning(plan, settings.choice):
            log.warning(told)
        count = validator.check(plan, settings.validate, faults)
        faults.raise_all()
        log.debug("composed %d of %d tasks", count, len(plan))
        return SweepTasks(plan, product_line(plan), plan.excluded)

    def _launch(self, batches: Sequence[Sequence[tuple[str, ...]]]) -> list[Sequence[JobReturn]]:
        """Launches one batch after the other, then raises the exception of the first task that failed."""
        first, found = 0, []
        for batch in batches:
            overrides = [list(task) for task in batch] if self._ours is None else batch
            found.append(self._launcher.launch(overrides, initial_job_idx=first))
            first += len(batch)
        for one in itertools.chain.from_iterable(found):
            _ = one.return_value
        return found

    def _show(self, work: SweepTasks, settings: Settings, arguments: Sequence[str]) -> None:
        preview = self._ours.preview(work.tasks) if self._ours is not None else [f"launcher: {self._launcher_name()}"]
        launchers = OmegaConf.select(self._config, "hydra.launcher.name") if self._ours is not None else None
        name = sweep_name(self._config, settings.name or str(launchers or ""))
        lines = dry_run_lines(f"{name}: {work.product}", work.tasks, work.excluded, arguments, preview)
        tell("\n".join(lines), sys.stdout)

    def _recorded(self, settings: Settings) -> SweepTasks | None:
        """Returns the tasks of the sweep that is resumed; None for a new sweep."""
        if self._ours is None and settings.resume is not None:
            raise ConfigError(
                f"hydra.sweeper.resume={settings.resume}: the launcher '{self._launcher_name()}' keeps no record",
                fix="hydra/launcher=hsm_local    # or the launcher that the sweep began with",
            )
        tasks = None if self._ours is None else self._ours.recorded_tasks(settings.resume)
        return None if tasks is None else SweepTasks(tasks, f"{len(tasks)} recorded tasks", recorded=True)

    def _launcher_name(self) -> str:
        return str(self._config.hydra.runtime.choices.get("hydra/launcher"))

    def _launcher_is_dry(self) -> bool:
        return bool(OmegaConf.select(self._config, "hydra.launcher.dry_run"))

    def _write_multirun(self) -> None:
        directory = Path(self._config.hydra.sweep.dir)
        if self._ours is None and SweepPaths(directory).record.exists():
            return  # the directory of another sweep; hsm's own launchers refuse it
        directory.mkdir(parents=True, exist_ok=True)
        shown = copy.deepcopy(self._config) if has_secrets(self._config) else self._config
        hide_secrets(shown)
        OmegaConf.save(shown, directory / "multirun.yaml")


def _batches(tasks: Sequence[tuple[str, ...]], most: int | None) -> Sequence[Sequence[tuple[str, ...]]]:
    if most is None or most >= len(tasks):
        return [tasks]
    return [tasks[first : first + most] for first in range(0, len(tasks), most)]


def _handover(work: SweepTasks, settings: Settings, batches: int) -> PlannedSweep:
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


@dataclass(frozen=True)
class SweepTasks:
    """The tasks to run, how they came about, and whether they were read from a record."""

    tasks: Sequence[tuple[str, ...]]
    product: str
    excluded: Sequence[tuple[str, int]] = ()
    recorded: bool = False

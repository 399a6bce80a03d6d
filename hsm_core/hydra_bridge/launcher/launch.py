"""Turns Hydra's calls of a launcher into a sweep on disk and a conductor that runs it."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from hsm_core.conductor.conductor import Conductor
from hsm_core.conductor.drivers import conduct_live, hand_over
from hsm_core.conductor.messages import hint_to_pack
from hsm_core.conductor.policies import Policy
from hsm_core.conductor.tasks_to_run import resumable
from hsm_core.errors import StoreError
from hsm_core.sources.registry import rebuild
from hsm_core.store.layout import LaunchPaths, SweepPaths
from hsm_core.store.lease import Lease
from hsm_core.store.ownership.own_sweep import require_own_current
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.sweeps.catalogue import adopt, named_record
from hsm_core.store.sweeps.selector import find_place
from hsm_core.store.tasks import TaskTable, require_no_hidden, write_tasks
from hsm_core.text import own_logger, tell

from ..error_display import shown
from ..interrupted_launch import NOTHING, interrupted_words
from ..launch_plan import PlannedSweep
from ..plain import typed_overrides
from ..preview import dry_launch_lines, leave_no_trace
from ..task.config import task_config
from ..task.log import configure_hydra_log
from .app.code import app_root, config_folders, record_again, take_code
from .app.main_origin import MainOrigin, unseen_lines
from .app.payload import check_payload, is_frozen, require_same, write_payload
from .begin import begin_sweep, new_launch
from .fields.settings import refuse_of_resume
from .foreign_sweeper import launches_once, needs_returns, require_detachable
from .outcome import job_returns, require_completed, tell_started, warn_of_logout
from .record import sweep_record
from .resumed import read_resumed, require_same_code, say_what_is_not_used
from .several.destinations import destination_of
from .sweep_directory import Reservation, reserve_directory, settle_directory

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn
    from hydra.types import HydraContext, TaskFunction

log = own_logger(__name__)


class Launching:
    """One sweep as its launcher sees it, over all calls of ``launch``."""

    def __init__(
        self, source: str, fields: Mapping[str, object], context: HydraContext, task_function: TaskFunction,
        config: DictConfig,
    ) -> None:  # fmt: skip
        self._context, self._origin = context, MainOrigin.of(task_function)
        self._config = self._tasks_config = config
        self._to = shown(lambda: destination_of(source, fields, config, context.config_loader))
        self._settings = self._to.settings
        self._typed_of_hydra = typed_overrides(config, "hydra")
        settle_directory(config)
        self._root = Path(os.path.abspath(str(config.hydra.sweep.dir)))
        self._reserved: Reservation | None = None
        self._planned: PlannedSweep | None = None
        self._lease: Lease | None = None
        self._conductor: Conductor | None = None
        self._payload: LaunchPaths | None = None
        self._launches, self._passed_over = 0, False
        self._resumed: Path | None = None
        self._id = ""  # of the new sweep, from before it is written down
        if self._settings.resume is not None:
            self._go_on_with(self._settings.resume)

    def announce(self, planned: PlannedSweep) -> None:
        """Write the whole sweep down before its first launch."""
        self._planned = planned
        if self._resumed is None:
            self._require_detachable()
            shown(lambda: self._begin(0, planned.tasks))

    def require_free(self) -> None:
        """Keep a directory for the sweep, or refuse it, before anything is written into it."""
        self._require_detachable()
        sweeper = self._config.hydra.sweeper
        is_new = self._resumed is None and sweeper.get("resume") is None
        shown(lambda: refuse_of_resume(self._settings, is_new=is_new))
        if self._settings.dry_run or sweeper.get("dry_run"):
            leave_no_trace(self._config)
            return
        shown(lambda: self._to.check(SweepPaths(self._root), self._app if is_new else None))
        if is_new:
            self._reserved = shown(lambda: reserve_directory(self._config, self._settings.share))
            self._root = self._reserved.root

    def recorded_tasks(self, resume: str | None) -> Sequence[tuple[str, ...]] | None:
        """The tasks of the sweep to go on with; None when a new one starts."""
        if resume is not None and self._resumed is None:
            self._go_on_with(resume)
        if self._passed_over:
            return []
        if self._resumed is None:
            return None
        return shown(lambda: [task.overrides for task in require_no_hidden(TaskTable(SweepPaths(self._root)))])

    def _go_on_with(self, selector: str) -> None:
        """Find the sweep to go on with; its tasks run in its directory, not in this run's."""
        self._root = self._resumed = shown(lambda: require_own_current(find_place(selector)))
        paths = SweepPaths(self._root)
        config = shown(lambda: read_resumed(paths, self._config, self._origin, self._settings))
        if config is None:
            self._passed_over = True
            return
        self._tasks_config = config
        self._to.compose_with(config)
        if not (self._settings.dry_run or shown(lambda: is_frozen(paths.launch(0)))):
            require_same_code(paths, self._app(), is_allowed=self._settings.allow_changed)
        say_what_is_not_used(paths, self._config)

    def _app(self) -> str:
        return app_root(self._config, self._origin)

    def preview(self, tasks: Sequence[Sequence[str]], first: int) -> list[str]:
        """Returns the lines of a dry run: the jobs that these tasks would become."""
        return shown(lambda: self._to.preview(SweepPaths(self._root), tasks, first))

    def launch(self, job_overrides: Sequence[Sequence[str]], first: int) -> Sequence[JobReturn]:
        """Run the tasks of one call; see ``LauncherBase.launch`` of the plugins."""
        from hydra.core.utils import setup_globals

        setup_globals()
        self._configure_log()
        if not len(job_overrides) or self._passed_over:
            return []
        if self._settings.dry_run:
            lines = dry_launch_lines(self._config, job_overrides, first, self.preview(job_overrides, first))
            tell("\n".join(lines), sys.stdout)
            return []
        return shown(lambda: self._launch(job_overrides, first))

    def _launch(self, job_overrides: Sequence[Sequence[str]], first: int) -> Sequence[JobReturn]:
        self._require_detachable()
        if self._resumed is None and self._planned is None:
            self._write_down(first, job_overrides)
        conductor = self._conducting()
        if self._resumed is not None:  # what is on disk counts, not what this run's sweeper made
            job_overrides, first = [task.overrides for task in require_no_hidden(TaskTable(conductor.state.paths))], 0
        begun = None if self._launches else self._payload  # written down with the sweep
        launch = begun or new_launch(conductor.state.paths, first)
        self._payload = self._payload or self._make_payload(conductor.state.paths, launch)
        pairs = self._to_run(conductor.state, range(first, first + len(job_overrides)))
        self._launches += 1
        if self._settings.detach:
            return self._detach(conductor, launch, pairs)
        return self._run(conductor, launch, pairs, job_overrides, first)

    def _make_payload(self, paths: SweepPaths, launch: LaunchPaths) -> LaunchPaths:
        """The launch whose payload the tasks load: a new one, or that of the sweep's snapshot."""
        if self._resumed is not None and is_frozen(paths.launch(0)):
            require_same(paths)
            return paths.launch(0)
        if self._resumed is not None:
            record_again(launch, paths.first_code, self._app(), config_folders(self._config))
        code = take_code(paths, self._app(), self._settings.code, is_elsewhere=self._to.is_elsewhere)
        write_payload(launch, self._origin, self._tasks_config, self._context, code)
        return launch

    def _run(
        self, conductor: Conductor, launch: LaunchPaths, pairs: list[tuple[int, int]],
        job_overrides: Sequence[Sequence[str]], first: int,
    ) -> Sequence[JobReturn]:  # fmt: skip
        assert self._payload is not None
        numbers = range(first, first + len(job_overrides))
        code: int | None = None
        try:
            code = conduct_live(conductor, launch, self._payload, pairs, numbers, self._to.patience.of)
        finally:
            if self._is_last_launch() or code != 0:
                conductor.close()
        if code:
            sys.exit(code)
        self._configure_log()
        if self._to.system is not None and self._settings.queue.tasks_per_job == 1:
            hint_to_pack(conductor.state, numbers)
        self._report_failures(conductor.state, numbers)
        return self._returns(conductor.state, job_overrides, first)

    def _chosen(self, numbers: range) -> Sequence[int]:
        """The tasks that count on this run; all, unless a resume names some."""
        wanted = self._settings.only_tasks
        return numbers if wanted is None else [number for number in numbers if number in wanted]

    def _report_failures(self, state: SweepState, numbers: range) -> None:
        if needs_returns(self._config) or (self._planned is not None and not self._is_last_launch()):
            return
        asked = self._chosen(numbers if self._planned is None else range(state.total))
        require_completed(state, asked, is_last=self._is_last_launch(), is_told=self._launches == 1)

    def _detach(self, conductor: Conductor, launch: LaunchPaths, pairs: list[tuple[int, int]]) -> list[JobReturn]:
        assert self._payload is not None
        warn_of_logout()
        try:
            code = hand_over(conductor, launch, self._payload, pairs, self._to.patience.of)
        finally:
            if self._is_last_launch():
                conductor.close()
        if code:
            sys.exit(code)
        tell_started(conductor.state, len(pairs))
        return []

    def _returns(
        self, state: SweepState, job_overrides: Sequence[Sequence[str]], first: int
    ) -> Sequence[JobReturn]:
        loader, is_needed = self._context.config_loader, needs_returns(self._config)

        def compose(overrides: tuple[str, ...], number: int) -> DictConfig:
            job_id = state.native_id_of(number) if self._to.system is not None else ""
            return task_config(loader, self._tasks_config, overrides, number, job_id or str(number))

        numbers = range(first, first + len(job_overrides))
        asked = numbers if is_needed else self._chosen(numbers)
        return job_returns(state, asked, lambda number: job_overrides[number - first], compose, is_needed=is_needed)

    def _to_run(self, state: SweepState, numbers: range) -> list[tuple[int, int]]:
        """Returns the tasks that are neither completed nor alive, each with the number of its next attempt."""
        if self._resumed is None:
            return [(number, 1) for number in numbers]
        return resumable(state, self._chosen(numbers), failed_too=self._settings.retry_failed)

    # the sweep

    def _conducting(self) -> Conductor:
        if self._conductor is None:
            if self._resumed is not None:
                adopt(SweepPaths(self._root))
            state = SweepState(self._root)
            state.refresh()
            sources = self._to.sources(state.paths)
            others = [state.sources[name] for name in state.sources.keys() - {source.name for source in sources}]
            self._conductor = Conductor(
                sources, state, rebuild(others, state.paths, self._to.patience), policy=Policy.of(self._settings),
                lease=self._lease, force=self._settings.force,
            )  # fmt: skip
            self._conductor.attach(force=self._settings.force)
            atexit.register(self._conductor.close)
            if ignored := self._to.ignored():
                log.warning(ignored)
        return self._conductor

    def _write_down(self, first: int, job_overrides: Sequence[Sequence[str]]) -> None:
        """The tasks of a sweeper that makes them as it goes, before they are launched."""
        if self._lease is None:
            self._begin(first, job_overrides)
        else:
            self._to.check_tasks(job_overrides, first)
            write_tasks(SweepPaths(self._root), first, job_overrides)

    def _begin(self, first: int, tasks: Sequence[Sequence[str]]) -> None:
        self._to.check_tasks(tasks, first)
        check_payload(self._origin, self._tasks_config, self._context, self._settings.python)
        for line in unseen_lines(self._origin):
            tell(line)
        reserved = self._reserved or reserve_directory(self._config, self._settings.share)
        record = sweep_record(
            self._config, reserved.root, self._origin, self._planned, self._settings, self._typed_of_hydra,
            self._to.records,
        )  # fmt: skip
        self._id = record.id
        code = self._app(), config_folders(self._config)
        self._lease, self._payload = begin_sweep(record, reserved, code, first, tasks, self._make_payload)

    def interrupted(self) -> str:
        """Tells how far a Ctrl-C let it come, and the line to type next; whoever resumes needn't wait for us."""
        try:
            record = named_record(SweepPaths(self._root))
        except StoreError:
            return NOTHING
        if self._resumed is None and record.id != self._id:
            return NOTHING
        if self._conductor is None and self._lease is not None:
            self._lease.release()
        return interrupted_words(record, is_new=self._resumed is None, has_launched=self._launches > 0)

    def _is_last_launch(self) -> bool:
        if self._planned is not None:
            return self._launches >= self._planned.batches
        return launches_once(self._config)

    def _require_detachable(self) -> None:
        shown(lambda: require_detachable(self._config, self._settings))

    def _configure_log(self) -> None:
        configure_hydra_log(self._config.hydra.hydra_logging, self._config.hydra.verbose, self._context)

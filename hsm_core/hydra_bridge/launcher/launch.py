"""Turns Hydra's calls of a launcher into a sweep on disk and a conductor that runs it."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from hsm_core.conductor.conductor import Conductor
from hsm_core.conductor.drivers import conduct_live, hand_over
from hsm_core.conductor.messages import hint_to_pack
from hsm_core.conductor.policies import Policy
from hsm_core.conductor.tasks_to_run import resumable
from hsm_core.detect.logout import kills_at_logout
from hsm_core.detect.origin import main_file
from hsm_core.errors import ConfigError, StoreError, SweepFailed
from hsm_core.hosts.interface import Patience
from hsm_core.hosts.registry import open_host
from hsm_core.model import counted
from hsm_core.overrides import quoted
from hsm_core.processes.identity import this_host
from hsm_core.sources.registry import (
    SourceSettings,
    check_fields,
    describe,
    describe_anyhow,
    make_source,
    queue_at,
    rebuild,
    require_here,
)
from hsm_core.sources.worker_command import job_worker
from hsm_core.store.catalogue import adopt, named_record
from hsm_core.store.finding.selector import find_place
from hsm_core.store.layout import LaunchPaths, SweepPaths
from hsm_core.store.lease import Lease
from hsm_core.store.ownership.own_sweep import require_own_current
from hsm_core.store.record import SourceRecord, read_record
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import WorkerSpec
from hsm_core.store.tasks import TaskTable, write_tasks
from hsm_core.text import own_logger, tell

from ..error_display import for_hydra, leave, shown
from ..interrupted_launch import NOTHING
from ..launch_plan import PlannedSweep
from ..plain import typed_overrides
from ..preview import dry_launch_lines, leave_no_trace
from ..task.config import rebase, task_config
from ..task.log import configure_hydra_log
from .app.code import app_root, config_folders, freeze_app, record_again, require_unchanged
from .app.main_origin import MainOrigin, unseen_lines
from .app.payload import check_payload, is_frozen, read_config, require_same, write_payload
from .begin import begin_sweep, new_launch
from .fields.per_task import SettingsByTask
from .fields.settings import known_values, launcher_settings, refuse_of_resume
from .foreign_sweeper import launches_once, needs_returns, require_no_returns
from .pool_worker import gpus_in_vain, pool_worker
from .record import is_of_another_function, require_same_app, sweep_record
from .sweep_directory import Reservation, reserve_directory, settle_directory

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn
    from hydra.types import HydraContext, TaskFunction

log = own_logger(__name__)


class Launching:
    """One sweep as its launcher sees it, over all calls of ``launch``."""

    def __init__(
        self,
        source: str,
        fields: Mapping[str, object],
        context: HydraContext,
        task_function: TaskFunction,
        config: DictConfig,
    ) -> None:
        self._context, self._task_function, self._config = context, task_function, config
        self._origin = MainOrigin.of(task_function)
        self._tasks_config = config
        self._source_name = source
        self._described: SourceRecord | None = None
        self._system = shown(lambda: queue_at(source))
        self._values = shown(lambda: known_values(fields, self._system))
        self._settings = shown(lambda: launcher_settings(self._values, self._system))
        self._worker = shown(self._common_worker)
        self._typed_of_hydra = typed_overrides(config, "hydra")
        settle_directory(config)
        self._root = Path(os.path.abspath(str(config.hydra.sweep.dir)))
        self._patience = Patience()
        self._host = open_host("local", self._patience)
        self._reserved: Reservation | None = None
        self._planned: PlannedSweep | None = None
        self._lease: Lease | None = None
        self._conductor: Conductor | None = None
        self._payload: LaunchPaths | None = None
        self._launches = 0
        self._resumed: Path | None = None
        self._settings_by_task: SettingsByTask | None = None
        self._table: TaskTable | None = None
        self._passed_over = False
        self._id = ""  # of the new sweep, from before it is written down
        if self._settings.resume is not None:
            self._go_on_with(self._settings.resume)

    def _common_worker(self) -> WorkerSpec:
        """The workers of tasks that wish for nothing of their own."""
        if self._system is not None:
            return job_worker(self._settings, self._source_name)
        return pool_worker(self._settings)

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
        if self._resumed is None and sweeper.get("resume") is None:
            shown(lambda: refuse_of_resume(self._settings))
        if self._settings.dry_run:
            leave_no_trace(self._config)
            return
        shown(lambda: require_here(self._source_name, self._settings.flavour, self._host))
        common = self._source_settings(lambda _: ())
        shown(lambda: check_fields(self._source_name, SweepPaths(self._root), common, self._host))
        if self._resumed is None and sweeper.get("resume") is None and not sweeper.get("dry_run"):
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
        return shown(lambda: [task.overrides for task in TaskTable(SweepPaths(self._root))])

    def _go_on_with(self, selector: str) -> None:
        """Find the sweep to go on with; its tasks run in its directory, not in this run's."""
        self._root = self._resumed = shown(lambda: require_own_current(find_place(selector)))
        record = shown(lambda: named_record(SweepPaths(self._root)))
        self._passed_over = is_of_another_function(record, self._origin)
        if self._passed_over:
            tell(f"{self._origin.function_name}: not run, as {record.id} ran {record.app['function']}")
            return
        if not self._settings.force:
            shown(lambda: require_same_app(record, self._config, self._origin))
        recorded = shown(lambda: read_config(SweepPaths(self._root).launch(0)))
        self._tasks_config = self._config if recorded is None else recorded
        for config in (self._config, self._tasks_config):
            rebase(config, self._root)
        self._settings_by_task = None
        self._require_same_code(SweepPaths(self._root))
        self._say_what_is_not_used()

    def _require_same_code(self, paths: SweepPaths) -> None:
        if not (self._settings.dry_run or shown(lambda: is_frozen(paths.launch(0)))):
            try:
                require_unchanged(paths, self._app(), self._settings.allow_changed)
            except ConfigError as error:
                if not main_file():
                    raise for_hydra(error) from None
                tell(f"error: {error}")
                sys.exit(error.exit_code)  # Hydra's own is 1

    def _say_what_is_not_used(self) -> None:
        """The tasks keep their overrides, whatever this command line says of them."""
        typed = tuple(str(text) for text in self._config.hydra.overrides.task)
        if typed and typed != read_record(SweepPaths(self._root)).overrides.get("task", ()):
            tell(f"warning: the sweep keeps its own tasks; ignored: {' '.join(typed)}")

    def _app(self) -> str:
        return app_root(self._config, self._origin)

    def preview(self, tasks: Sequence[Sequence[str]], first: int) -> list[str]:
        """Returns the lines of a dry run: the jobs that these tasks would become."""
        settings, paths = self._source_settings(lambda number: tasks[number - first]), SweepPaths(self._root)
        record, note = shown(lambda: describe_anyhow(self._source_name, self._host, self._settings.flavour))
        source = shown(lambda: make_source(record, paths, settings, self._host))
        numbers = range(first, first + len(tasks))
        lines = shown(lambda: source.preview(numbers, detached=self._settings.detach))
        return [*filter(None, [note, self._ignored()]), *lines]

    def _ignored(self) -> str:
        """Returns a line on the fields that were set in vain; empty if there are none."""
        ignored = [*self._settings.ignored, *self._by_task().unused]
        if self._system is None:
            ignored += gpus_in_vain(self._settings, self._worker)
        return f"this launcher ignores {', '.join(ignored)}" if ignored else ""

    def _source(self) -> SourceRecord:
        if self._described is None:
            self._described = describe(self._source_name, self._host, self._settings.flavour)
        return self._described

    def _source_settings(self, overrides_of: Callable[[int], Sequence[str]]) -> SourceSettings:
        by_task = self._by_task()
        return SourceSettings(
            self._worker, Path.cwd(), self._settings, lambda number: by_task.settings_of(number, overrides_of)
        )

    def _by_task(self) -> SettingsByTask:
        if self._settings_by_task is None:
            loader, common = self._context.config_loader, self._settings
            self._settings_by_task = SettingsByTask(
                loader, self._tasks_config, self._config, self._values, common, self._system
            )
        return self._settings_by_task

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
            job_overrides, first = [task.overrides for task in TaskTable(conductor.state.paths)], 0
        launch = new_launch(conductor.state.paths, first)
        if self._payload is None:
            self._payload = self._make_payload(conductor.state.paths, launch)
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
        frozen = freeze_app(paths, self._app()) if self._settings.code == "snapshot" else None
        write_payload(launch, self._origin, self._tasks_config, self._context, frozen)
        return launch

    def _run(
        self, conductor: Conductor, launch: LaunchPaths, pairs: list[tuple[int, int]],
        job_overrides: Sequence[Sequence[str]], first: int,
    ) -> Sequence[JobReturn]:  # fmt: skip
        assert self._payload is not None
        numbers = range(first, first + len(job_overrides))
        code: int | None = None
        try:
            code = conduct_live(conductor, launch, self._payload, pairs, numbers, self._patience)
        finally:
            if self._is_last_launch() or code != 0:
                conductor.close()
        if code:
            sys.exit(code)
        self._configure_log()
        if self._system is not None and self._settings.queue.tasks_per_job == 1:
            hint_to_pack(conductor.state, numbers)
        self._report_failures(conductor.state, numbers)
        return self._returns(conductor.state, job_overrides, first)

    def _chosen(self, numbers: range) -> Sequence[int]:
        """The tasks that count on this run; all, unless a resume names some."""
        wanted = self._settings.only_tasks
        return numbers if wanted is None else [number for number in numbers if number in wanted]

    def _report_failures(self, state: SweepState, numbers: range) -> None:
        """On the command line, where the summary told everything, spare the user a task's traceback."""
        if self._planned is not None:
            if not self._is_last_launch():
                return
            numbers = range(state.total)
        asked = self._chosen(numbers)
        bad = sum(state.state_of(number) != "completed" for number in asked)
        if bad and state.record.app.get("under_main") and not needs_returns(self._config):
            more = "" if self._is_last_launch() else "hydra/sweeper=hsm    # it continues after a failed batch"
            failed = SweepFailed(f"{bad} of {counted(len(asked), 'task')} did not complete", fix=more)
            leave(failed, is_told=self._launches == 1)

    def _detach(self, conductor: Conductor, launch: LaunchPaths, pairs: list[tuple[int, int]]) -> list[JobReturn]:
        assert self._payload is not None
        if kills_at_logout():
            tell(
                f"warning: {this_host()} ends your processes when you log out\n"
                "  next: loginctl enable-linger    # keeps them running"
            )
        try:
            code = hand_over(conductor, launch, self._payload, pairs, self._patience)
        finally:
            if self._is_last_launch():
                conductor.close()
        if code:
            sys.exit(code)
        identifier = conductor.state.record.id
        go = "it runs" if len(pairs) == 1 else "they run"
        tell(f"{identifier}: {counted(len(pairs), 'task')} started; {go} without this process", sys.stdout)
        tell(f"  next: hsm-status -w {quoted(conductor.state.record.selector)}", sys.stdout)
        return []

    def _returns(
        self, state: SweepState, job_overrides: Sequence[Sequence[str]], first: int
    ) -> Sequence[JobReturn]:
        from hydra.core.utils import JobRuntime

        from .job_return import SweptJob

        is_needed = needs_returns(self._config)
        loader, name = self._context.config_loader, str(JobRuntime.instance().get("name"))

        def compose(overrides: tuple[str, ...], number: int) -> DictConfig:
            job_id = state.native_id_of(number) if self._system is not None else ""
            return task_config(loader, self._tasks_config, overrides, number, job_id or str(number))

        numbers = range(first, first + len(job_overrides))
        return [
            SweptJob(state, number, tuple(job_overrides[number - first]), name, compose, is_needed)
            for number in (numbers if is_needed else self._chosen(numbers))
        ]

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
            settings = self._source_settings(self._recorded_overrides)
            source = make_source(self._source(), state.paths, settings, self._host)
            others = [record for record in state.sources.values() if record.name != source.name]
            self._conductor = Conductor(
                [source], state, rebuild(others, state.paths, self._patience), policy=Policy.of(self._settings),
                lease=self._lease, force=self._settings.force,
            )  # fmt: skip
            self._conductor.attach(force=self._settings.force)
            atexit.register(self._conductor.close)
            if ignored := self._ignored():
                log.warning(ignored)
        return self._conductor

    def _recorded_overrides(self, number: int) -> Sequence[str]:
        if self._table is None or number >= len(self._table):  # later launches add tasks
            self._table = TaskTable(SweepPaths(self._root))
        return self._table[number].overrides

    def _write_down(self, first: int, job_overrides: Sequence[Sequence[str]]) -> None:
        """The tasks of a sweeper that makes them as it goes, before they are launched."""
        if self._lease is None:
            self._begin(first, job_overrides)
        else:
            self._require_fields(first, job_overrides)
            write_tasks(SweepPaths(self._root), first, job_overrides)

    def _begin(self, first: int, tasks: Sequence[Sequence[str]]) -> None:
        self._require_fields(first, tasks)
        check_payload(self._origin, self._tasks_config, self._context, self._settings.python)
        for line in unseen_lines(self._origin):
            tell(line)
        reserved = self._reserved or reserve_directory(self._config, self._settings.share)
        typed = self._typed_of_hydra
        record = sweep_record(
            self._config, reserved.root, self._origin, self._planned, self._settings, typed, self._source()
        )
        self._id = record.id
        self._lease = begin_sweep(record, reserved, (self._app(), config_folders(self._config)), first, tasks)

    def _require_fields(self, first: int, tasks: Sequence[Sequence[str]]) -> None:
        """Whatever is wrong with the fields of any task is said before one of them is written down."""
        for number in range(first, first + len(tasks)):
            self._by_task().settings_of(number, lambda task: tasks[task - first])

    def interrupted(self) -> str:
        """Tells how far a Ctrl-C let it come, and the line to type next; whoever resumes needn't wait for us."""
        try:
            record = named_record(SweepPaths(self._root))
        except StoreError:
            return NOTHING
        if self._resumed is None and record.id != self._id:
            return NOTHING
        if self._launches:
            return f"interrupted\n  next: hsm-status {quoted(record.selector)}"
        if self._conductor is None and self._lease is not None:
            self._lease.release()
        what = "the sweep is recorded" if self._resumed is None else record.id
        told = f"interrupted before any task was started: {what}, nothing new runs"
        return f"{told}\n  next: hsm resume {quoted(record.selector)}"

    def _is_last_launch(self) -> bool:
        if self._planned is not None:
            return self._launches >= self._planned.batches
        return launches_once(self._config)

    def _require_detachable(self) -> None:
        field = "detach" if self._settings.detach else "dry_run" if self._settings.dry_run else ""
        if field:
            shown(lambda: require_no_returns(self._config, field))

    def _configure_log(self) -> None:
        configure_hydra_log(self._config.hydra.hydra_logging, self._config.hydra.verbose, self._context)

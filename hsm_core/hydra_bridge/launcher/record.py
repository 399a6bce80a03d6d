"""Makes the record of a sweep that begins, as Hydra knows it."""

from __future__ import annotations

import datetime
import getpass
import os
import sys
from pathlib import Path

from omegaconf import DictConfig

from hsm_core.detect.command import Command
from hsm_core.detect.origin import git_state, python_path, versions
from hsm_core.errors import ConfigError
from hsm_core.overrides import quoted
from hsm_core.processes.identity import this_host
from hsm_core.settings import LauncherSettings
from hsm_core.store.record import SourceRecord, SweepRecord, new_id

from ..hydra_private.command_line import command_line
from ..launch_plan import PlannedSweep
from ..plain import typed_overrides
from ..sweep_name import sweep_name
from .app.main_origin import MainOrigin
from .fields.recorded import fields_typed


def sweep_record(
    config: DictConfig, root: Path, origin: MainOrigin, planned: PlannedSweep | None, settings: LauncherSettings,
    typed_of_hydra: tuple[str, ...], sources: tuple[SourceRecord, ...],
) -> SweepRecord:  # fmt: skip
    """The record of a sweep that begins now in ``root``.

    Args:
        config: the master config.
        origin: of its app.
        planned: the plan, under our own sweeper.
        sources: where its tasks go.
        typed_of_hydra: the overrides of Hydra's own config, as they were typed.
    """
    hydra = config.hydra
    overrides = {"hydra": typed_of_hydra, "task": typed_overrides(config, "task")}
    under_main = is_run_by_main()
    command = origin.command if under_main else None
    name = sweep_name(config, (planned.name if planned else "") or settings.name)
    return SweepRecord(
        id=new_id(name),
        name=name,
        description=(planned.description if planned else "") or settings.description,
        tags=(planned.tags if planned else ()) or settings.tags,
        dir=str(root),
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        launcher=str(hydra.runtime.choices.get("hydra/launcher")),
        sweeper=str(hydra.runtime.choices.get("hydra/sweeper")),
        total=len(planned.tasks) if planned else None,
        command=command.words if command else (),
        cwd=origin.cwd,
        user=getpass.getuser(),
        host=this_host(),
        app={
            **_app(hydra, origin, command), "under_main": under_main, "env": dict(settings.env),
            "batches": planned is None and hydra.sweeper.get("max_batch_size") is not None,
        },
        overrides=overrides,
        launcher_fields=fields_typed(config),
        sources=sources,
        metric=planned.metric if planned else (),
        versions=versions(),
        git=git_state(os.getcwd()),
    )


def _app(hydra: DictConfig, origin: MainOrigin, command: Command | None) -> dict[str, object]:
    """Describes the app itself, see ``SweepRecord.app``.

    Args:
        command: that starts it; None if a later process can't.
    """
    return {
        "name": str(hydra.job.name),
        "config_name": hydra.job.config_name,
        "config_dir": _config_dir(hydra),
        "main": [*command.start, *command.program] if command else [],
        "python": sys.executable,
        "argv": sys.argv[1:],
        "taken": command.taken(sys.argv[1:]) if command else ((), ()),
        "function": origin.function_name,
        "functions": origin.called_functions(),
        "pythonpath": python_path(origin.cwd),
    }


def require_same_app(record: SweepRecord, config: DictConfig, origin: MainOrigin) -> None:
    """Refuse to go on with a sweep of another app.

    Raises:
        ConfigError: the job's name, the config's name, the task function or the script differ; both are named.
    """
    main = [*origin.command.start, *origin.command.program] if origin.command else []
    then = (record.app["name"], record.app["config_name"], record.app["function"], *_script(record.app["main"]))
    now = (
        str(config.hydra.job.name), config.hydra.job.config_name, origin.function_name, *_script(main)
    )  # fmt: skip
    if then[: len(now)] != now[: len(then)]:
        raise ConfigError(
            f"{record.id} belongs to another app",
            evidence=f"it ran {_shown(then)} in {record.cwd}, this is {_shown(now)}",
            fix=f"hsm resume {quoted(record.selector)}    # starts the right app; or hydra.launcher.force=true",
        )


def is_run_by_main() -> bool:
    """True if a function under ``@hydra.main`` was called, and not Hydra's API."""
    return command_line(sys._getframe()) is not None


def _script(main: list[str]) -> list[str]:
    """``train.py`` or ``pkg.app``, wherever it lies; nothing for an app without a command line."""
    return [os.path.basename(main[-1])] if main else []


def _shown(app: tuple[object, ...]) -> str:
    name, config, function, *script = app
    return f"{function} of {' '.join(map(str, script)) or name} (job {name}, config {config})"


def is_of_another_function(record: SweepRecord, origin: MainOrigin) -> bool:
    """True if the script has this function and the sweep's under ``@hydra.main``, and will come to the latter."""
    return origin.function_name != record.app["function"] and record.app["function"] in origin.main_functions()


def _config_dir(hydra: DictConfig) -> str:
    sources = hydra.runtime.config_sources
    return next((str(source.path) for source in sources if source.provider == "main"), "")

"""What is written down of a sweep when it begins, as Hydra knows it."""

from __future__ import annotations

import datetime
import getpass
import os
import sys
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from hsm_core.detect.origin import git_state, is_typed, main_command, python_path, versions
from hsm_core.errors import ConfigError
from hsm_core.store.liveness import this_host
from hsm_core.store.record import SweepRecord, new_id

from .fields_typed import fields_typed
from .handover import PlannedSweep
from .run_settings import RunSettings


def sweep_record(
    config: DictConfig, root: Path, planned: PlannedSweep | None, settings: RunSettings
) -> SweepRecord:
    """The record of a sweep that begins now in ``root``.

    Args:
        config: the master config.
        planned: the plan, under our own sweeper.
    """
    hydra = config.hydra
    typed_as = OmegaConf.to_container(hydra.overrides, resolve=False)  # they may hold ${hydra.job.num}
    assert isinstance(typed_as, dict)
    overrides = {kind: [str(text) for text in typed_as[kind]] for kind in ("hydra", "task")}
    said = [text for text in overrides["hydra"] if not text.startswith("hydra.mode=")]
    typed = is_typed([*overrides["task"], *said], sys.argv[1:])
    name = (planned.name if planned else "") or settings.name or str(hydra.job.name)
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
        command=(sys.executable, *sys.argv) if typed else (),
        cwd=os.getcwd(),
        user=getpass.getuser(),
        host=this_host(),
        app={
            "name": str(hydra.job.name),
            "config_name": hydra.job.config_name,
            "config_dir": _config_dir(hydra),
            "main": main_command() if typed else [],
            "pythonpath": python_path(),
            "batches": planned is None and hydra.sweeper.get("max_batch_size") is not None,
        },
        overrides=overrides,
        launcher_fields=fields_typed(config),
        metric=planned.metric if planned else (),
        versions=versions(),
        git=git_state(os.getcwd()),
    )


def require_same_app(record: SweepRecord, config: DictConfig) -> None:
    """Refuse to go on with a sweep of another app.

    Raises:
        ConfigError: the job's name, the config's name or the script differ; both are named.
    """
    then = (record.app["name"], record.app["config_name"], *_script(record.app["main"]))
    now = (str(config.hydra.job.name), config.hydra.job.config_name, *_script(main_command()))
    if then[: len(now)] != now[: len(then)]:
        raise ConfigError(
            f"{record.id} is a sweep of another app",
            evidence=f"it ran {_shown(then)} in {record.cwd}, this is {_shown(now)}",
            fix=f"hsm resume {record.id}    (starts the right one; hydra.launcher.force=true if this is it)",
        )


def _script(main: list[str]) -> list[str]:
    """``train.py`` or ``-m pkg.app``, wherever it lies; nothing for an app without a command line."""
    if main[-2:-1] == ["-m"]:
        return [" ".join(main[-2:])]
    return [os.path.basename(main[-1])] if main else []


def _shown(app: tuple[object, ...]) -> str:
    name, config, *script = app
    return f"{' '.join(map(str, script)) or name} (job {name}, config {config})"


def _config_dir(hydra: DictConfig) -> str:
    sources = hydra.runtime.config_sources
    return next((str(source.path) for source in sources if source.provider == "main"), "")

"""Reads the sweep that a launcher resumes, and refuses one of another app, or of code that has changed."""

from __future__ import annotations

import sys

from omegaconf import DictConfig

from hsm_core.detect.origin import main_file
from hsm_core.errors import ConfigError
from hsm_core.settings import LauncherSettings
from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import read_record
from hsm_core.store.sweeps.catalogue import named_record
from hsm_core.text import tell

from ..error_display import for_hydra
from ..task.config import as_typed, rebase
from .app.code import require_unchanged
from .app.main_origin import MainOrigin
from .app.payload import read_config
from .record import is_of_another_function, require_same_app


def read_resumed(
    paths: SweepPaths, config: DictConfig, origin: MainOrigin, settings: LauncherSettings
) -> DictConfig | None:
    """Returns the master config of a sweep's tasks; its directory takes the place of this run's, here and there.

    Args:
        config: of this run; it serves where the sweep's own can't be read here.
        origin: of this run's app.
        settings: ``force``: go on with the sweep of another app, too; ``allow_changed``: also where the code has
            changed so much that the sweep's own config can't be read.

    Returns:
        None if the sweep is of another task function than the one that asks: this one runs nothing.

    Raises:
        ConfigError: it is of another app.
        StoreError: it, or its config, can't be read.
    """
    record = named_record(paths)
    if is_of_another_function(record, origin):
        tell(f"{origin.function_name}: not run, as {record.id} ran {record.app['function']}")
        return None
    if not settings.force:
        require_same_app(record, config, origin)
    recorded = read_config(paths.launch(0), is_needed=not settings.allow_changed)
    tasks_config = config if recorded is None else recorded
    for one in (config, tasks_config):
        rebase(one, paths.root)
    return tasks_config


def require_same_code(paths: SweepPaths, app: str, *, is_allowed: bool) -> None:
    """Ends, or raises what Hydra shows without a traceback, unless the user agrees to code that has changed.

    Args:
        app: the app's directory now.
        is_allowed: only warn of it.
    """
    try:
        require_unchanged(paths, app, is_allowed)
    except ConfigError as error:
        if not main_file():
            raise for_hydra(error) from None
        tell(f"error: {error}")
        sys.exit(error.exit_code)  # Hydra's own is 1


def say_what_is_not_used(paths: SweepPaths, config: DictConfig) -> None:
    """Warns of overrides for tasks: these keep their own, whatever this command line says of them."""
    typed = tuple(as_typed(config.hydra.overrides.task))
    if typed and typed != read_record(paths).overrides.get("task", ()):
        tell(f"warning: the sweep keeps its own tasks; ignored: {' '.join(typed)}")

"""Puts a sweep and all its known tasks on disk, before anything of it runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from hsm_core.overrides import key_of, quoted, without_secrets
from hsm_core.store.files import write_atomically
from hsm_core.store.layout import LaunchPaths, SweepPaths
from hsm_core.store.lease import Lease
from hsm_core.store.record import SweepRecord, create_record, read_record
from hsm_core.store.sweeps import catalogue
from hsm_core.store.sweeps.earlier_sweeps import set_aside
from hsm_core.store.tasks import write_tasks
from hsm_core.text import own_logger

from ..task.hidden import hide_secrets
from .app.code import record_code
from .sweep_directory import Reservation

log = own_logger(__name__)


def begin_sweep(
    record: SweepRecord, reserved: Reservation, code: tuple[str, list[str]], first: int,
    tasks: Sequence[Sequence[str]], write_payload: Callable[[SweepPaths, LaunchPaths], object],
) -> tuple[Lease, LaunchPaths]:  # fmt: skip
    """Write a new sweep down; it exists when its record does, which is last. An earlier one gives way.

    Args:
        reserved: its directory.
        code: the app's directory, and those of its configs elsewhere.
        first: the number of the first task.
        tasks: their overrides.
        write_payload: writes what they share, which a resume needs, too, for the launch that it is given.

    Returns:
        The lease of who conducts it, and its first launch.

    Raises:
        SweepExists: another process has begun one there after all.
        StoreError, OSError: it can't be written.
    """
    root, lease = reserved.root, reserved.use()
    paths = SweepPaths(root)
    try:
        if paths.record.exists():
            earlier = read_record(paths).id
            log.warning("%s held the sweep %s: you can look at it, not resume it; tasks overwrite it", root, earlier)
            set_aside(paths)
        paths.make_directories()
        record_code(paths.first_code, *code)
        write_tasks(paths, first, tasks)
        launch = paths.launch(0)
        launch.root.mkdir(0o700, exist_ok=True)  # who was to begin one here before us may have died
        write_payload(paths, launch)
        _hide_in_multirun(root / "multirun.yaml", record, tasks[0] if tasks else ())
        create_record(paths, record)
    except BaseException:
        with contextlib.suppress(OSError):
            lease.release()
        raise
    try:
        catalogue.remember(record, root)
    except OSError as error:
        told = "the sweep can't be added to your list; use its directory as its name, or set XDG_STATE_HOME: %s"
        log.warning(f"{told}\n  next: hsm-status %s", error, quoted(str(root)))
    log.info("Sweep %s in %s", record.id, root)
    return lease, launch


def _hide_in_multirun(path: Path, record: SweepRecord, overrides: Sequence[str]) -> None:
    """Hide the values of ``hydra.launcher.env`` in what the sweeper, Hydra's own perhaps, has saved.

    If tasks have secrets, which are in many places there, nobody else may read it.
    """
    if not path.is_file():
        return
    if record.app.get("env"):
        saved = OmegaConf.load(path)
        assert isinstance(saved, DictConfig)
        hide_secrets(saved)
        write_atomically(path, OmegaConf.to_yaml(saved).encode())
    given = (*overrides, *(text for texts in record.overrides.values() for text in texts))
    if any(without_secrets(text) != text for text in given if not key_of(text).startswith("hydra.launcher.env")):
        path.chmod(0o600)


def new_launch(paths: SweepPaths, first: int) -> LaunchPaths:
    """Makes a directory for a call of ``launch``; a sweep that is resumed has one of the same number already."""
    launch, again = paths.launch(first), 0
    while True:
        try:
            launch.root.mkdir(0o700)
            return launch
        except FileExistsError:
            again += 1
            launch = LaunchPaths(paths.hsm / f"launch-{first}-{again}")

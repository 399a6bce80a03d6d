"""Puts a sweep and all its known tasks on disk, before anything of it runs."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence

from hsm_core.overrides import quoted
from hsm_core.store import catalogue
from hsm_core.store.earlier_sweeps import set_aside
from hsm_core.store.layout import SweepPaths
from hsm_core.store.lease import Lease
from hsm_core.store.record import SweepRecord, create_record, read_record
from hsm_core.store.tasks import write_tasks

from .code import record_code
from .sweep_directory import Reservation

log = logging.getLogger(__name__)


def begin_sweep(
    record: SweepRecord, reserved: Reservation, code: tuple[str, list[str]], first: int,
    tasks: Sequence[Sequence[str]],
) -> Lease:  # fmt: skip
    """Write a new sweep down; it exists when its record does, which is last. An earlier one gives way.

    Args:
        reserved: its directory.
        code: the app's directory, and those of its configs elsewhere.
        first: the number of the first task.
        tasks: their overrides.

    Returns:
        The lease of who conducts it.

    Raises:
        SweepExists: another process has begun one there after all.
        StoreError, OSError: it can't be written.
    """
    root, lease = reserved.root, reserved.use()
    paths = SweepPaths(root)
    try:
        if paths.record.exists():
            earlier = read_record(paths).id
            log.warning("%s held %s, which stays readable; tasks write over its files", root, earlier)
            set_aside(paths)
        paths.make_directories()
        record_code(paths.first_code, *code)
        write_tasks(paths, first, tasks)
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
    return lease

"""Puts a sweep and all its known tasks on disk, before anything of it runs."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path

from hsm_core.overrides import quoted
from hsm_core.store import catalogue
from hsm_core.store.layout import SweepPaths
from hsm_core.store.lease import Lease
from hsm_core.store.record import SweepRecord, begin_alone, create_record
from hsm_core.store.tasks import write_tasks

from .code_record import record_code

log = logging.getLogger(__name__)


def begin_sweep(
    record: SweepRecord, root: Path, code: tuple[str, list[str]], first: int, tasks: Sequence[Sequence[str]]
) -> Lease:
    """Write a new sweep down; it exists when its record does, which is last.

    Args:
        code: the app's directory, and those of its configs elsewhere.
        first: the number of the first task.
        tasks: their overrides.

    Returns:
        The lease of who conducts it.

    Raises:
        SweepExists: the directory holds a sweep, or another process is just beginning one.
        StoreError, OSError: it can't be written.
    """
    paths = SweepPaths(root)
    lease = begin_alone(paths)
    try:
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
        told = "the sweep is not on your list, so name it by its directory, or set XDG_STATE_HOME first: %s"
        log.warning(f"{told}\n  next: hsm-status %s", error, quoted(str(root)))
    log.info("Sweep %s in %s", record.id, root)
    return lease

"""Whether the disk of a sweep has room, since a worker that can't write can't say so there."""

from __future__ import annotations

import os
from pathlib import Path

#: What is said of it.
FULL = "the disk is full: tasks wait and their results are saved once there is space (df -h)"
#: Bytes below which a disk counts as full: a few events and outcomes.
_LEAST = 32 * 1024


def is_full(folder: Path) -> bool:
    """True if next to nothing can be written; False where the system does not tell (a quota)."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    no_files = found.f_files > 0 and found.f_favail == 0
    return no_files or found.f_bavail * found.f_frsize < _LEAST

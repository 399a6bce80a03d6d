"""Tells how late other hosts see what was written to a disk, and whether it has room."""

from __future__ import annotations

import os
from pathlib import Path

#: What is said of it.
FULL = "the disk is full: tasks wait and their results are saved once there is space (df -h)"
#: Bytes below which a disk counts as full: a few events and outcomes.
_LEAST = 32 * 1024


def is_full(folder: Path) -> bool:
    """Returns whether the disk is all but full; False where the system does not tell (a quota)."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    no_files = found.f_files > 0 and found.f_favail == 0
    return no_files or found.f_bavail * found.f_frsize < _LEAST


#: Kinds of file systems that one kernel has for itself: what is written is seen at once.
_OWN = frozenset(
    ("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "tmpfs", "ramfs", "overlay", "f2fs", "bcachefs", "apfs")
)
#: A network file system's client may show an old directory for so long. Source: nfs(5), acdirmax.
_NETWORK_S = 60.0


def visibility_s(path: Path) -> float:
    """Returns after how many seconds other hosts see what was written; 0 on a disk of this machine.

    Source: proc(5), ``/proc/self/mountinfo``: field 5 is the mount point, the kind follows the dash.
    """
    best, kind = -1, ""
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except FileNotFoundError:
        return _NETWORK_S
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(before.split(" ")[4].replace("\\040", " "))
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split(" ")[0]
    return 0.0 if kind in _OWN else _NETWORK_S

"""Asks the kernel whether it killed something for want of memory."""

from __future__ import annotations

import functools
from pathlib import Path


def oom_kills(membership: Path = Path("/proc/self/cgroup"), mount: Path = Path("/sys/fs/cgroup")) -> int:
    """How often the kernel killed a process of our control group, or of one below it; 0 where nothing tells.

    Source: cgroup v2 ``memory.events`` and v1 ``memory.oom_control``, both field ``oom_kill``.
    """
    return sum(_count(path) for path in _files(membership, mount))


@functools.cache
def _files(membership: Path, mount: Path) -> tuple[Path, ...]:
    found = []
    for line in _read(membership).splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers:
            found.append(mount / group.lstrip("/") / "memory.events")
        elif "memory" in controllers.split(","):
            found.append(mount / "memory" / group.lstrip("/") / "memory.oom_control")
    return tuple(found)


def _count(path: Path) -> int:
    for line in _read(path).splitlines():
        name, _, value = line.partition(" ")
        if name == "oom_kill":
            return int(value)
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""

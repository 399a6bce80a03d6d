"""Reads what the kernel says about a process that ended: time, memory, and kills for want of memory."""

from __future__ import annotations

import functools
import os
import resource
import sys
from pathlib import Path

from ..protocol import Message


def measured(status: int, usage: resource.struct_rusage) -> Message:
    """Returns code or signal, CPU seconds and peak memory in MiB of a process, from its wait status and usage."""
    code = os.waitstatus_to_exitcode(status)
    return {
        "code": code if code >= 0 else None, "signal": -code if code < 0 else None,
        "cpu": _cpu(usage), "mem": _memory(usage),
    }  # fmt: skip


def measured_here(code: int, before: resource.struct_rusage) -> Message:
    """Returns the same for an attempt that ran in this process; its memory is the process's peak."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = round(_cpu(usage) - _cpu(before), 3)
    return {"code": code, "signal": None, "cpu": cpu, "mem": _memory(usage)}


def _cpu(usage: resource.struct_rusage) -> float:
    return round(usage.ru_utime + usage.ru_stime, 3)


def _memory(usage: resource.struct_rusage) -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): ru_maxrss is in bytes on macOS, else KiB
    return round(usage.ru_maxrss * unit / 2**20, 1)


def oom_kills(membership: Path = Path("/proc/self/cgroup"), mount: Path = Path("/sys/fs/cgroup")) -> int:
    """Returns how often the kernel killed a process of our control group or below; 0 if nothing tells.

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

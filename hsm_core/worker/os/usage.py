"""What the kernel says of a process that ended."""

from __future__ import annotations

import os
import resource
import sys

from ..protocol import Message


def measured(status: int, usage: resource.struct_rusage) -> Message:
    """Code or signal, CPU seconds, peak memory in MiB."""
    code = os.waitstatus_to_exitcode(status)
    return {
        "code": code if code >= 0 else None, "signal": -code if code < 0 else None,
        "cpu": _cpu(usage), "mem": _memory(usage),
    }  # fmt: skip


def measured_here(code: int, before: resource.struct_rusage) -> Message:
    """The same of an attempt that ran in this process; the memory is the process's peak."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = round(_cpu(usage) - _cpu(before), 3)
    return {"code": code, "signal": None, "cpu": cpu, "mem": _memory(usage)}


def _cpu(usage: resource.struct_rusage) -> float:
    return round(usage.ru_utime + usage.ru_stime, 3)


def _memory(usage: resource.struct_rusage) -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): ru_maxrss is in bytes on macOS, else KiB
    return round(usage.ru_maxrss * unit / 2**20, 1)

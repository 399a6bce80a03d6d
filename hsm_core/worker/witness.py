"""Tells whether a warning reached the task too: of some schedulers, all processes of a job get its signals."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from typing import NoReturn

from .processes import die_with_parent

#: Seconds by which the signals to the processes of a job may lie apart.
_APART_S = 0.5


class Witness:
    """A child of ours that gets the signals that are sent to our children, and does nothing else.

    Slurm's srun signals all processes below it with ``proctrack/linuxproc``, but with ``proctrack/cgroup``
    those only that it started itself.
    """

    def __init__(self) -> None:
        self._seen, tell = os.pipe()
        parent = os.getpid()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self.pid = os.fork()
        if self.pid == 0:
            _watch(parent, tell)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(tell)

    def was_warned(self) -> bool:
        """True if the USR2 that came to us came to our children as well."""
        ready, _, _ = select.select([self._seen], [], [], _APART_S)
        return bool(ready and os.read(self._seen, 1))


def _watch(parent: int, tell: int) -> NoReturn:
    """All signals stay blocked: it ends with its parent."""
    try:
        signal.set_wakeup_fd(-1)
        die_with_parent(parent)
        os.setsid()
        for descriptor in {int(name) for name in os.listdir("/dev/fd")} - {tell}:
            with suppress(OSError):  # the one of the listing itself
                os.close(descriptor)
        while True:
            signal.sigwait({signal.SIGUSR2})
            os.write(tell, b"!")
    finally:
        os._exit(1)

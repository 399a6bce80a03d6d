"""Tells whether a warning reached the tasks too: some schedulers signal all processes of a job."""

from __future__ import annotations

import signal
import subprocess

#: Seconds by which the signals to the processes of a job may lie apart.
_APART_S = 0.5


class SignalProbe:
    """A small child of ours that USR2 ends, if it is sent to our children.

    Slurm's srun signals all processes below it with ``proctrack/linuxproc``, but with ``proctrack/cgroup``
    those only that it started itself.
    """

    def __init__(self) -> None:
        self._process = _waits_for_our_end()

    @property
    def pid(self) -> int:
        return self._process.pid

    def was_warned(self) -> bool:
        """Returns whether the USR2 that came to us came to our children as well."""
        try:
            ended = self._process.wait(_APART_S)
        except subprocess.TimeoutExpired:
            return False
        self._process = _waits_for_our_end()
        return ended == -signal.SIGUSR2


def _waits_for_our_end() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)

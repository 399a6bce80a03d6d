"""Ends what a worker leaves running on a machine that its conductor may give up, where the worker itself can't.

A worker that is killed takes its tasks along, but not what these started in sessions of their own; one that is
stopped ends nothing at all.
"""

from __future__ import annotations

import os
import select
import signal
import time
from typing import NoReturn

from hsm_core.model import ProcessIdentity
from hsm_core.processes.dead_workers import end_leftovers
from hsm_core.processes.identity import evidence_of_death, this_process
from hsm_core.store.layout import SweepPaths

from .lease import OwnLease

#: Seconds between two looks at the lease; seconds that a worker has, beyond its tasks' grace, to have ended them.
_CHECK_S, _SLACK_S = 0.2, 0.4


class Guard:
    """A process beside a worker that has a lease.

    Start it while the worker has neither locks nor threads, nor adopts orphans: it is not to be one of what it ends.
    """

    def __init__(self, paths: SweepPaths, worker: str) -> None:
        worker_process, (theirs, self._ours) = this_process(), os.pipe()
        child = os.fork()
        if child:
            os.close(theirs)
            os.waitpid(child, 0)
            return
        os.setsid()
        if os.fork():
            os._exit(0)
        os.close(self._ours)
        _watch(paths, worker, worker_process, theirs)

    def dismiss(self) -> None:
        """All tasks have ended, and the worker has only its last words to write."""
        os.write(self._ours, b".")


def _watch(paths: SweepPaths, name: str, worker: ProcessIdentity, pipe: int) -> NoReturn:
    """Waits for the end of a worker, and brings it about if its tasks run though they are no longer its own."""
    lease, over_since = OwnLease(paths.inbox(name, "lease")), 0.0
    while not select.select([pipe], [], [], _CHECK_S)[0]:
        if not lease.is_over:
            continue
        over_since = over_since or time.monotonic()
        is_late = time.monotonic() - over_since > lease.grace_s + _SLACK_S
        if is_late and evidence_of_death(worker) is None:
            os.kill(worker.pid, signal.SIGKILL)
    if not os.read(pipe, 1):
        while evidence_of_death(worker) is None:  # its files are closed a moment before it is gone
            time.sleep(0.01)
        end_leftovers(paths.journal(name))
    os._exit(0)

"""Turns signals into readable bytes, so that the supervisor's loop hears of them at once."""

from __future__ import annotations

import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

#: TERM asks a worker to end its tasks, again or INT kills them; CONT says that its inbox has something new;
#: a warning that its job's time is nearly over.
WARNINGS = (signal.SIGUSR1, signal.SIGUSR2)
HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGCONT, *WARNINGS)


class SignalBell:
    """Rings in a selector when a signal comes.

    Args:
        ring: called with each signal's number.
    """

    def __init__(self, selector: selectors.BaseSelector, ring: Callable[[int], None]) -> None:
        self._ring = ring
        self._ours, self._theirs = socket.socketpair()
        for end in (self._ours, self._theirs):
            end.setblocking(False)
        selector.register(self._ours, selectors.EVENT_READ, self.check)
        signal.set_wakeup_fd(self._theirs.fileno(), warn_on_full_buffer=False)
        for number in HEARD:
            signal.signal(number, be_heard)

    def check(self) -> None:
        """Calls ``ring`` for the signals that have come."""
        with suppress(BlockingIOError):
            for number in self._ours.recv(4096):
                self._ring(number)

    def await_ring(self, heard: Callable[[], bool], seconds: float) -> None:
        """Waits at most ``seconds`` until signals have made ``heard`` true."""
        give_up = time.monotonic() + seconds
        while not heard() and time.monotonic() < give_up:
            self.check()
            time.sleep(0.01)


def be_heard(number: int, frame: FrameType | None) -> None:
    """Does nothing with a signal; unlike SIG_IGN, programs that are started do not inherit this handler."""

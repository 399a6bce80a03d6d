"""Signals while a sweep is conducted: noted, and heeded between two steps."""

from __future__ import annotations

import errno
import os
import signal
import termios
import threading
import time
from collections.abc import Callable
from types import FrameType


class Interrupts:
    """Notes signals while a sweep is conducted, instead of breaking off in the middle of a write.

    Attributes:
        count: how often Ctrl-C was pressed.
        left: the signal, TERM or HUP, that told this process to end; 0 if none did.
    """

    def __init__(self) -> None:
        self.count = self.left = 0
        self._seen = self._disregarded = 0
        self._previous: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}
        self._armed = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Interrupts:
        if self._armed:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @property
    def exit_code(self) -> int:
        """0 without a signal that was meant to end something."""
        number = self.left or (signal.SIGINT if self.count > self._disregarded else 0)
        return 128 + number if number else 0

    def is_new(self) -> bool:
        """Whether a signal came that nobody has heeded yet."""
        return self.count != self._seen or bool(self.left)

    def presses(self) -> int:
        """How often a signal asked this process to end."""
        return self.count + bool(self.left)

    def fresh(self) -> int:
        """How often Ctrl-C was pressed since it was last asked."""
        seen, self._seen = self._seen, self.count
        return self._seen - seen

    def disregard(self) -> None:
        """Forgets what was pressed so far: it was not meant to end anything."""
        self._disregarded = self._seen = self.count

    def wait(self, seconds: float, news: threading.Event) -> None:
        """Wait, but not longer than to the next signal, or to news; these are heeded then."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self.is_new():
            if news.wait(min(left, 0.1)):
                break
        news.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            self.count += 1
        else:
            self.left = number
            _mute_what_is_gone()


def _mute_what_is_gone() -> None:
    """Drops what is still said to a terminal that was closed, instead of failing."""
    for descriptor in (1, 2):
        try:
            termios.tcgetattr(descriptor)
        except termios.error as error:
            if error.args[0] == errno.EIO:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, descriptor)
                os.close(nowhere)

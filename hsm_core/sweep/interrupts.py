"""Signals while a sweep is conducted: noted, and heeded between two steps."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any


class Interrupts:
    """Notes signals while a sweep is conducted, instead of breaking off in the middle of a write.

    Attributes:
        count: how often Ctrl-C was pressed.
        left: the signal, TERM or HUP, that told this process to end; 0 if none did.
    """

    def __init__(self) -> None:
        self.count = self.left = 0
        self._seen = 0
        self._wake = threading.Event()
        self._previous: dict[int, Any] = {}
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
        """0 without a signal."""
        number = self.left or (signal.SIGINT if self.count else 0)
        return 128 + number if number else 0

    def fresh(self) -> bool:
        """True once after each further Ctrl-C."""
        seen, self._seen = self._seen, self.count
        return self.count > seen

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than to the next signal."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self.count == self._seen and not self.left:
            time.sleep(min(left, 0.05))

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            self.count += 1
        else:
            self.left = number

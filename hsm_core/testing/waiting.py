"""Waits for something to become true, with a limit, instead of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], timeout: float = 30.0, what: str = "", every: float = 0.02) -> T:
    """Return the first true answer of ``condition``; fail after ``timeout`` seconds with the last one."""
    give_up = time.monotonic() + timeout
    while not (answer := condition()):
        if time.monotonic() > give_up:
            raise AssertionError(f"waited {timeout:g} s for {what or condition}; last answer: {answer!r}")
        time.sleep(every)
    return answer

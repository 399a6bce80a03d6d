"""Keeps what a task returned, as far as possible: a task that returned is completed, whatever it returned."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from .outcome import completed, one_line, unseen

#: Seconds for the value's own code: to show it, and again to pickle it.
PATIENCE_S = 60.0


def keep(
    value: object, dumps: Callable[[object], bytes], patience_s: float = PATIENCE_S
) -> tuple[dict[str, object], bytes | None]:
    """Returns the outcome of a task that returned ``value``.

    Args:
        dumps: pickles what JSON can't hold; fails if that could not be loaded again.

    Returns:
        the outcome, and the pickle where there is one. Where neither holds the value, the outcome has a
        ``warning`` that says why.
    """
    try:
        with _limit(patience_s):
            content = completed(value)
    except BaseException:  # noqa: BLE001  the worker's edge: to show it is the user's code
        content = unseen(value)
    if content["exact"]:
        return content, None
    try:
        with _limit(patience_s):
            return content, dumps(value)
    except BaseException as error:  # noqa: BLE001  the worker's edge: pickling runs the user's code
        return {**content, "warning": unkept(one_line(error))}, None


def lost_on_the_way(exited: dict[str, object]) -> dict[str, object]:
    """Returns the outcome of a task that returned, but whose process ended before its value was kept.

    Args:
        exited: ``code`` or ``signal`` of the process.
    """
    number = exited.get("signal")
    how = f"was killed by signal {number}" if number else f"exited with code {exited.get('code')}"
    return {**unseen(), "warning": unkept(f"its process {how} meanwhile")}


def unkept(why: str) -> str:
    """Returns the warning for a value that neither JSON nor a pickle holds."""
    return f"its return value can't be kept: {why}"


class _TookTooLong(BaseException):
    """Raised when time is up; no Exception, which the value's code might catch."""


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Raises after these seconds, and again each tenth of them, in whatever Python code runs in the main thread."""
    is_armed = True

    def interrupt(number: int, frame: FrameType | None) -> None:
        if is_armed:
            raise _TookTooLong(f"it took more than {seconds:g} s")

    handler = signal.signal(signal.SIGALRM, interrupt)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, seconds / 10)
    try:
        yield
    finally:
        is_armed = False
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if handler is None else handler)

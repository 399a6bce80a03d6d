"""A thread of its own for each source, so that a command which hangs on one keeps nobody else waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Answer(Generic[T]):
    """Holds what a call returned or raised, once it is there."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done, self._claimed = threading.Event(), threading.Lock()
        self._value: list[T] = []
        self._error: BaseException | None = None

    @property
    def is_there(self) -> bool:
        return self._done.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits for it, but not longer than this. True if it is there."""
        return self._done.wait(seconds)

    def take(self) -> T:
        """Returns what the call returned; it must be there.

        Raises:
            whatever the call raised.
        """
        if self._error is not None:
            raise self._error
        return self._value[0]

    def withdraw(self) -> bool:
        """Has the call never made; False if it has begun already."""
        return self._claimed.acquire(blocking=False)

    def work(self) -> None:
        """Makes the call, in whichever thread this is, unless it was withdrawn."""
        if not self._claimed.acquire(blocking=False):
            return
        try:
            self._value.append(self._work())
        except BaseException as error:  # noqa: BLE001  (it is raised where somebody asked)
            self._error = error
        self._done.set()


class Calls(Protocol):
    """Makes calls one after another, now or later."""

    def ask(self, work: Callable[[], T], *, quietly: bool = False) -> Answer[T]:
        """Has a call made; returns at once.

        Args:
            quietly: nobody waits for its answer.
        """

    def close(self) -> None:
        """Ends once what was asked for is done; nothing may be asked any more."""


class SourceThread:
    """Makes the calls of one source, in the order in which they come; it writes nothing of the sweep itself.

    Args:
        name: the source's.
        on_answer: called, in this thread, when an answer is there that somebody waits for.
    """

    def __init__(self, name: str, on_answer: Callable[[], object] = lambda: None) -> None:
        self._name, self._on_answer = name, on_answer
        self._calls: SimpleQueue[tuple[Callable[[], None], bool] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def ask(self, work: Callable[[], T], *, quietly: bool = False) -> Answer[T]:
        answer = Answer(work)
        self._calls.put((answer.work, quietly))
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=f"source {self._name}", daemon=True)
            self._thread.start()
        return answer

    def close(self) -> None:
        self._calls.put(None)

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            work, quietly = call
            work()
            if not quietly:
                self._on_answer()

"""Says what the user wants of the conductor of a sweep, and what signals mean for its tasks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from hsm_core.settings import LauncherSettings
from hsm_core.store.state.sweep_state import SweepState

from .handing_out.strategy import Rules
from .interrupts import Interrupts

#: Workers that die in a row without having ended a task, before the conductor gives up.
PATIENCE = 3


@dataclass(frozen=True)
class Policy:
    """When a conductor stops handing work over.

    Args:
        fail_fast: end the rest after the first failure.
        max_failure_rate: end the rest when more than this share of the tasks has failed; 1.0 never.
        on_interrupt: what Ctrl-C does: ``cancel`` ends the tasks, ``detach`` leaves them to go on, ``ask`` asks.
        poll_s: seconds between steps; it begins quicker.
        rules: how tasks are divided among sources.
    """

    fail_fast: bool = False
    max_failure_rate: float = 1.0
    on_interrupt: str = "cancel"
    poll_s: float = 0.5
    rules: Rules = field(default_factory=Rules)

    @classmethod
    def of(cls, settings: LauncherSettings) -> Policy:
        """Returns what the launcher's fields say."""
        return cls(
            settings.fail_fast, settings.max_failure_rate, settings.on_interrupt, settings.poll_interval_s,
            rules=Rules.of(settings.several),
        )  # fmt: skip


class FruitlessWorkers:
    """Counts the workers that died in a row without having ended a task."""

    def __init__(self) -> None:
        self._count = self._ended_before = 0

    def are_too_many(self, ended: int) -> bool:
        """Counts one more; returns whether the conductor is to give up.

        Args:
            ended: how many tasks of the sweep have ended by now.
        """
        self._count = 1 if ended > self._ended_before else self._count + 1
        self._ended_before = ended
        return self._count > PATIENCE


class Asking(Protocol):
    """Asks whoever pressed Ctrl-C, and never waits for the answer."""

    def ask_how_to_end(self) -> None:
        """Put the question."""

    def answer(self) -> str | None:
        """``cancel`` the tasks, ``detach`` from them, or nothing; None as long as nobody answered."""

    def drop_question(self) -> None:
        """Ask no longer, if it was asked."""


class Progress(Asking, Protocol):
    """Shows how a sweep goes, and asks how it shall end."""

    def show(self, state: SweepState) -> None:
        """Called at each step."""

    def say(self, text: str) -> None:
        """Print lines that stay."""


class Ending:
    """Tells at each step how the tasks shall end, while a question about it may stand.

    Args:
        on_interrupt: what Ctrl-C does: ``cancel``, ``detach`` or ``ask``.
    """

    def __init__(self, interrupts: Interrupts, on_interrupt: str, asking: Asking) -> None:
        self._interrupts, self._on_interrupt, self._asking = interrupts, on_interrupt, asking
        self._is_asked = self._is_cancelled = False

    def wish(self) -> str:
        """``cancel``, anew each time that it is wished; ``detach``; or nothing."""
        pressed = self._interrupts.fresh()
        if self._interrupts.left:
            wish = "detach"
        elif pressed:
            wish = self._meant_by(pressed)
        else:
            wish = self._answered()
        if wish:
            self._drop_question()
        self._is_cancelled |= wish == "cancel"
        return wish

    def give_up_asking(self) -> None:
        """All has ended by itself: what nobody answered has changed nothing."""
        if self._on_interrupt == "ask" and not self._is_cancelled:
            self._drop_question()
            self._interrupts.disregard()

    def _meant_by(self, pressed: int) -> str:
        """Ctrl-C at the question, or pressed twice before it was put, cancels."""
        if self._on_interrupt != "ask":
            return self._on_interrupt
        if pressed > 1 or self._is_asked or self._is_cancelled:
            return "cancel"
        self._is_asked = True
        self._asking.ask_how_to_end()
        return ""

    def _answered(self) -> str:
        answer = self._asking.answer() if self._is_asked else None
        if answer is None:
            return ""
        self._is_asked = False
        if not answer:
            self._interrupts.disregard()
        return answer

    def _drop_question(self) -> None:
        self._is_asked = False
        self._asking.drop_question()

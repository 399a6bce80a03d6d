"""What the user wants of the conductor of a sweep, and what it can ask of who watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hsm_core.store.state.sweep_state import SweepState

from .interrupt_policy import Asking


@dataclass(frozen=True)
class Policy:
    """When a conductor stops handing work over.

    Args:
        fail_fast: end the rest after the first failure.
        max_failure_rate: end the rest when more than this share of the tasks has failed; 1.0 never.
        on_interrupt: what Ctrl-C does: ``cancel`` ends the tasks, ``detach`` leaves them to go on, ``ask`` asks.
        poll_s: seconds between looks; it begins quicker.
    """

    fail_fast: bool = False
    max_failure_rate: float = 1.0
    on_interrupt: str = "cancel"
    poll_s: float = 0.5


class Progress(Asking, Protocol):
    """Shows how a sweep goes, and asks how it shall end."""

    def show(self, state: SweepState) -> None:
        """Called at each look."""

    def say(self, text: str) -> None:
        """Print lines that stay."""

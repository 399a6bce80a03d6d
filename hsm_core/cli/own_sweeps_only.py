"""Lets a command act on a sweep only if that is the user's own; else says what it would have done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hsm_core.errors import HsmError
from hsm_core.safe_open import NotOwn, only_own
from hsm_core.store.layout import SweepPaths
from hsm_core.store.ownership.own_sweep import require_own
from hsm_core.store.state.sweep_state import SweepState

from .find_sweep import find_sweep

#: What a record that is not what it should be can lead to.
_ODD = (HsmError, OSError, ValueError, TypeError, LookupError, AttributeError)


def act_on(selector: str, act: Callable[[SweepState], int], would: Callable[[SweepState], str]) -> int:
    """Reads a sweep from this user's files alone, and acts on it.

    Args:
        act: starts, submits, ends or writes something; returns the exit code.
        would: says what that is, for who is refused: ``run python train.py …``.

    Raises:
        NotOwn: the sweep may be somebody else's.
        HsmError: none fits, it can't be read, or ``act`` raised it.
    """
    place = find_sweep(selector).paths.place
    try:
        with only_own():
            require_own(SweepPaths.at(place))
            return act(_read(place))
    except NotOwn as error:
        told = f"{error.evidence or error.problem}{_what_of(place, would)}"
        raise NotOwn(error.problem, evidence=told, fix=error.fix) from error


def _read(place: Path) -> SweepState:
    state = SweepState(place)
    state.refresh()
    return state


def _what_of(place: Path, would: Callable[[SweepState], str]) -> str:
    """Returns what would have been done, from records that may say anything; empty if they say nothing readable."""
    try:
        said = would(_read(place))
    except _ODD:
        return ""
    return f"\n  it would {said}" if said else ""

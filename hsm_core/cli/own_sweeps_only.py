"""Lets a command act on a sweep only if that is the user's own; else says what it would have done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hsm_core.errors import HsmError
from hsm_core.overrides import quoted
from hsm_core.safe_open import NotOwn, only_own
from hsm_core.store.layout import SweepPaths
from hsm_core.store.lease import living_conductor
from hsm_core.store.ownership.own_sweep import copied, require_own
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.sweeps.catalogue import original_of

from .find_sweep import find_sweep, sweep_in

#: What a record that is not what it should be can lead to.
_ODD = (HsmError, OSError, ValueError, TypeError, LookupError, AttributeError)


def act_on(
    selector: str, act: Callable[[SweepState], int], would: Callable[[SweepState], str],
    otherwise: Callable[[Path], str] = copied,
) -> int:  # fmt: skip
    """Reads a sweep from this user's files alone, and acts on it.

    Args:
        act: starts, submits, ends or writes something; returns the exit code.
        would: says what that is, for who is refused: ``run python train.py …``; empty: nothing.
        otherwise: from the sweep's directory, what they may type instead.

    Raises:
        NotOwn: the sweep may be somebody else's.
        HsmError: none fits, it can't be read, or ``act`` raised it.
    """
    place = find_sweep(selector, to_act=True).paths.place
    try:
        with only_own():
            require_own(SweepPaths.at(place), otherwise)
            state = _read(place, selector)
            _require_original(state)
            return act(state)
    except NotOwn as error:
        told = f"{error.evidence or error.problem}{_what_of(place, would)}"
        raise NotOwn(error.problem, evidence=told, fix=error.fix) from error


def _read(place: Path, typed: str) -> SweepState:
    state = sweep_in(place, typed)
    state.refresh()
    return state


def _require_original(state: SweepState) -> None:
    """Requires that nothing lives of which this sweep has only a copied record.

    Raises:
        HsmError: something does, where the sweep was copied from.
    """
    original = original_of(state.paths, state.record)
    if original is None or not (state.numbers_in("queued", "running") or living_conductor(state.paths)):
        return
    raise HsmError(
        f"{state.paths.root} is a copy of a sweep that ran when it was copied: nothing of it runs here",
        evidence=f"it runs in {original}",
        fix=f"hsm-status -w {quoted(str(original))}    # copy it again when that has ended",
    )


def _what_of(place: Path, would: Callable[[SweepState], str]) -> str:
    """Returns what would have been done, from records that may say anything; empty if they say nothing readable."""
    try:
        said = would(_read(place, ""))
    except _ODD:
        return ""
    return f"\n  it would {said}" if said else ""

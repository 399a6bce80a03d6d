"""What a scheduler accepted in place of what it had refused: whoever goes on with the sweep later uses it too."""

from __future__ import annotations

from collections.abc import Sequence

from hsm_core.store.files import read_json, to_json, write_atomically
from hsm_core.store.state.sweep_state import SweepState

from .relaunch import names_of


def with_mended(state: SweepState, settings: Sequence[str]) -> list[str]:
    """Settings as typed, after those that mended a refusal and are not set anew."""
    anew = {name for text in settings for name in names_of(text)}
    return [*(text for text in _mended(state) if names_of(text)[0] not in anew), *settings]


def note_mended(state: SweepState, settings: Sequence[str]) -> None:
    """Keep the launcher's fields among these, which were set when a refusal stood and does no longer.

    Raises:
        OSError: the disk refuses.
    """
    kept = [text for text in with_mended(state, settings) if text.lstrip("+").startswith("hydra.launcher.")]
    if kept:
        write_atomically(state.paths.mended, to_json({"settings": kept}))


def _mended(state: SweepState) -> list[str]:
    try:
        return [str(text) for text in read_json(state.paths.mended)["settings"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []

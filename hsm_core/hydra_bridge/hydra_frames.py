"""Tells which function of Hydra is at work above us: Hydra hands plugins no such thing."""

from __future__ import annotations

from types import FrameType

#: The module of Hydra whose functions a command line calls.
MAIN = "hydra._internal.utils"


def caller(frame: FrameType | None, module: str, function: str) -> FrameType | None:
    """The frame of this function of this module, at or above ``frame``; None if it is not at work."""
    while frame is not None:
        if (frame.f_globals.get("__name__"), frame.f_code.co_name) == (module, function):
            return frame
        frame = frame.f_back
    return None

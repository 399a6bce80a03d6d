"""Finds the command line that Hydra is at work on: it hands plugins no such thing."""

from __future__ import annotations

from argparse import Namespace
from types import FrameType

#: Options of every command line of Hydra's.
_OPTIONS = {"multirun", "cfg", "overrides"}


def command_line(frame: FrameType | None) -> Namespace | None:
    """Returns the command line that a function under ``@hydra.main`` was called with, as Hydra parsed it.

    Which functions of Hydra's hold it depends on its release; that some do, does not.

    Args:
        frame: of a function that Hydra called, directly or not.

    Returns:
        Hydra's own object: what is set in it counts. None if Hydra's API was called instead.
    """
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith("hydra."):
            for value in frame.f_locals.values():
                if isinstance(value, Namespace) and vars(value).keys() >= _OPTIONS:
                    return value
        frame = frame.f_back
    return None

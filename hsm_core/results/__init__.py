"""Collects what tasks returned as rows of a table; from Python: ``hsm_core.results.collect("latest")``."""

from __future__ import annotations


def __getattr__(name: str) -> object:
    """Loads ``collect`` when it is asked for."""
    if name != "collect":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .rows import collect

    return collect

"""What tasks returned, as rows of a table; from Python: ``hsm_core.results.collect("latest")``."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """``collect`` is loaded when it is asked for."""
    if name != "collect":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .rows import collect

    return collect

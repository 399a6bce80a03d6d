"""Hydra sweeps from Python: what ran, what came out, and what to do about it.

>>> import hsm_core as hsm
>>> sweep = hsm.sweep("latest")
>>> sweep.state
'completed'
>>> sweep.best("loss").parameters["lr"]
0.1

In a task, ``hsm.report(step=3, loss=0.2)`` writes down how far it is. Nothing is loaded before it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .api.report import report
    from .api.sweep import Sweep, sweep, sweeps
    from .errors import HsmError

_PLACES = {
    "HsmError": "errors", "report": "api.report",
    "Sweep": "api.sweep", "sweep": "api.sweep", "sweeps": "api.sweep",
}  # fmt: skip
__all__ = ["HsmError", "Sweep", "report", "sweep", "sweeps"]


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

"""Lets Hydra print our errors as a message, not as a traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hydra.errors import CompactHydraException

from hsm_core.errors import HsmError, StoreError

T = TypeVar("T")


def shown(step: Callable[[], T]) -> T:
    """Do a step; our errors, and a disk that refuses, become such that Hydra prints without a traceback."""
    try:
        return step()
    except HsmError as error:
        raise for_hydra(error) from error.__cause__
    except OSError as error:
        problem = f"{error.filename or 'the sweep directory'} can't be read or written"
        fix = "df -h; hsm-status latest    (what is written is safe: hsm resume latest goes on)"
        raise for_hydra(StoreError(problem, evidence=str(error), fix=fix)) from error


def for_hydra(error: HsmError) -> HsmError:
    """The same error, of its own kind and of the kind that Hydra prints without a traceback."""
    if isinstance(error, CompactHydraException):
        return error
    kind = _compact(type(error))
    return kind(error.problem, evidence=error.evidence, fix=error.fix)


def _compact(kind: type[HsmError]) -> type[HsmError]:
    def reduce(self: HsmError) -> tuple[object, ...]:
        return _rebuild, (kind, self.problem, self.evidence, self.fix)

    names = {"__reduce__": reduce, "__module__": kind.__module__}
    return type(kind.__name__, (kind, CompactHydraException), names)


def _rebuild(kind: type[HsmError], problem: str, evidence: str, fix: str) -> HsmError:
    return for_hydra(kind(problem, evidence=evidence, fix=fix))

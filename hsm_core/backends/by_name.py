"""Finds the backend that a launcher names; each is imported only when it is asked for."""

from __future__ import annotations

from hsm_core.errors import BackendError
from hsm_core.store.layout import SweepPaths
from hsm_core.store.submission import WorkerSpec

from .interface import Backend


def make_backend(name: str, paths: SweepPaths, spec: WorkerSpec, python: str) -> Backend:
    """A backend for one sweep.

    Args:
        name: as the launcher's class says.
        python: the interpreter of the workers.

    Raises:
        BackendError: there is none of this name.
    """
    if name == "local":
        from .worker_pool import WorkerPool

        return WorkerPool(paths, spec, python=python)
    raise BackendError(f"there is no backend '{name}'")

"""Gives the math libraries that an app has loaded their number of threads."""

from __future__ import annotations

import importlib
import os
from functools import cache
from typing import Any


def spread(threads: int) -> None:
    """Gives the math libraries, held to one thread until now, the user's number of threads or the slot's share."""

    def allowed(*names: str) -> int:
        values = [os.environ[name] for name in names if os.environ.get(name, "").isdigit()]
        return int(values[0]) if values else threads

    limits = {
        "openmp": allowed("OMP_NUM_THREADS"),
        "blas": allowed("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "OMP_NUM_THREADS"),
    }
    math_libraries().limit(limits=limits)


@cache
def math_libraries() -> Any:
    """Returns those that the app has loaded."""
    return importlib.import_module("threadpoolctl").ThreadpoolController()

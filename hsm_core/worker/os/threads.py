"""Limits the threads that the math libraries of a task may start."""

from __future__ import annotations

import json
from collections.abc import Mapping

#: Read by the libraries when they are loaded: OpenMP, MKL, OpenBLAS, BLIS, Accelerate, numexpr, numba.
VARIABLES = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS",
)  # fmt: skip
#: Of these, the library that starts no thread before it is used, and never more than it read when imported.
_LAZY = "NUMBA_NUM_THREADS"
_KEPT = "HSM_USERS_OWN_THREADS"


def one_thread(environ: Mapping[str, str], threads: int) -> dict[str, str]:
    """Returns the environment of an importer: libraries start no pools, which a fork would break.

    Args:
        threads: cores of one slot.
    """
    own = {name: environ[name] for name in VARIABLES if name in environ}
    ones = dict.fromkeys(VARIABLES, "1") | {_LAZY: own.get(_LAZY, str(threads))}
    return {**environ, **ones, _KEPT: json.dumps(own)}


def task_share(environ: Mapping[str, str], threads: int) -> dict[str, str | None]:
    """Returns the variables that give a task its share of cores, without those that the user set.

    Args:
        environ: the user's own environment, or an importer's.
        threads: cores of one slot.
    """
    own = json.loads(environ[_KEPT]) if _KEPT in environ else environ
    share: dict[str, str | None] = {name: own.get(name, str(threads)) for name in VARIABLES}
    return {**share, _KEPT: None}

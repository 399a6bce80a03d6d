"""Brings what a task returned or raised back to the process that started the sweep, if the versions fit."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping
from typing import Any

import cloudpickle
import hydra
import omegaconf

from hsm_core.errors import VersionMismatch

from ..hydra_private.task import traces
from . import pickling
from .main_module import imported_names

#: Bytes of a pickled return value: a result, not a model or a data set.
_LARGEST = 2**28


def versions() -> dict[str, str]:
    """Returns the versions that must fit for a pickle to be read."""
    return {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}", "hydra": hydra.__version__,
        "omegaconf": omegaconf.__version__, "cloudpickle": cloudpickle.__version__.partition(".")[0],
    }  # fmt: skip


def dumps(value: object) -> bytes:
    """Pickles a return value or an exception with the versions that it needs.

    An exception takes its traceback along where Hydra can restore it (since 1.4). One that can't be loaded
    again becomes ``RuntimeError("Remote module.Class: message")``; a value that can't is an error here.
    """
    fields: dict[str, Any] = {}
    if isinstance(value, BaseException):
        fields = traces(value)
        value = value if isinstance(value, Exception) and _survives(value) else _as_text(value)
    data = pickling.dumps((value, fields), imported_names(), _LARGEST)
    pickle.loads(data)  # nosec B301  # what was pickled just now
    return pickle.dumps((versions(), data))


def loads(data: bytes) -> tuple[Any, dict[str, Any]]:
    """Unpickles what ``dumps`` pickled: the value, and the fields of Hydra's ``JobReturn`` that belong to it.

    Raises:
        VersionMismatch: it was written by versions that do not fit; both are named.
    """
    theirs, pickled = pickle.loads(data)  # nosec B301  # callers read it as their own
    require_versions(theirs, "the return value was written")
    found: tuple[Any, dict[str, Any]] = pickle.loads(pickled)  # nosec B301  # as above
    return found


def _survives(error: Exception) -> bool:
    try:
        again = pickle.loads(pickling.dumps(error, imported_names()))  # nosec B301  # what was pickled just now
        return type(again).__qualname__ == type(error).__qualname__
    except Exception:  # noqa: BLE001 - the worker's edge: pickling runs the user's code
        return False


def _as_text(error: BaseException) -> RuntimeError:
    return RuntimeError(f"Remote {type(error).__module__}.{type(error).__qualname__}: {error}")


def require_versions(theirs: Mapping[str, str], what: str, fix: str = "") -> None:
    """Refuses data that was written by other versions than this process has.

    Args:
        theirs: the versions that it was written by.
        what: had been done then.
        fix: a line to type, if there is one.

    Raises:
        VersionMismatch: some differ; both are named.
    """
    ours = versions()
    wrong = [
        f"{name} {theirs.get(name)} there, {ours[name]} here"
        for name in ours
        if theirs.get(name) != ours[name]
    ]
    if wrong:
        raise VersionMismatch(
            f"{what} with other versions: {'; '.join(wrong)}", evidence=sys.executable,
            fix=fix,
        )  # fmt: skip

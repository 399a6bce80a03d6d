"""Lets Hydra print our errors as a message, not as a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

from hydra.errors import CompactHydraException

from hsm_core.errors import HsmError, StoreError
from hsm_core.overrides import quoted
from hsm_core.safe_open import only_own
from hsm_core.store.layout import SweepPaths
from hsm_core.text import advice, tell

from .hydra_private.command_line import command_line
from .resumed_by import typable

T = TypeVar("T")


def shown(step: Callable[[], T]) -> T:
    """Do a step, by this user's records alone; our errors and the disk's end a command line by ``refuse``."""
    try:
        with only_own():
            return step()
    except HsmError as error:
        refuse(error, error.__cause__)
    except OSError as error:
        refuse(_of_disk(error), error)


def _of_disk(error: OSError) -> StoreError:
    """Returns why a disk refuses, by its error number, and what helps."""
    if not isinstance(error.filename, str):
        return StoreError("can't read or write the disk", evidence=str(error))
    path = Path(error.filename)
    sweep = _sweep_of(path)
    is_there = sweep is not None and os.path.isfile(SweepPaths(sweep).record)
    where = quoted(str(sweep if is_there else path.parent))
    problem, fix = f"can't read or write {path}", f"hsm-status {where}" if is_there else ""
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE):
        problem = f"{path} is missing"
        if sweep is not None and not os.path.exists(SweepPaths(sweep).hsm):
            problem = f"the sweep in {sweep} was moved or deleted"
            fix = "hsm resume NEW_PLACE    # if it was moved"
    elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        then = f"    # then hsm resume {where}" if is_there else ""
        fix = f"ls -ld {quoted(str(path.parent))}{then}"
    elif error.errno in (errno.ENOSPC, errno.EDQUOT):
        again = f"hsm resume {where}; hsm retry {where} --error disk"
        then = f"    # what is written is safe; free space, then {again}" if is_there else ""
        fix = f"df -h {where}{then}"
    return StoreError(problem, evidence=str(error), fix=fix)


def _sweep_of(path: Path) -> Path | None:
    """The sweep whose file it is, or was."""
    return next((root for root in path.parents if path.is_relative_to(SweepPaths(root).hsm)), None)


def refuse(error: HsmError, cause: BaseException | None = None) -> NoReturn:
    """End with an error's own words, and nothing behind them: Hydra 1.3 would advise to look at a stack trace.

    Raises:
        SystemExit: Hydra's main is at work; with 1, as Hydra does.
        HsmError: it is not, or HYDRA_FULL_ERROR asks for stack traces; Hydra prints it without one.
    """
    if wants_words():
        tell(typable(f"error: {error}"))
        sys.exit(1)
    raise for_hydra(error) from cause


def leave(error: HsmError, *, is_told: bool) -> NoReturn:
    """End a command line below a summary, by the error's own exit code.

    Hydra would exit with 1 and advise to look at a stack trace, which has nothing of the tasks.

    Args:
        is_told: the summary says the same; only what to do next may be missing.

    Raises:
        SystemExit: Hydra's main is at work.
        HsmError: it is not, or HYDRA_FULL_ERROR asks for stack traces.
    """
    if not wants_words():
        raise error
    if not is_told:
        tell(typable(f"error: {error}"))
    elif error.fix:
        tell(typable(f"  {advice(error.fix)}"))
    sys.exit(error.exit_code)


def wants_words() -> bool:
    """Whether a command line is to end with words: neither stack traces nor Python's callers are asked for."""
    return os.environ.get("HYDRA_FULL_ERROR") != "1" and command_line(sys._getframe()) is not None


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

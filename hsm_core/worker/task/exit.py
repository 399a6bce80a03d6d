"""Ends a task's process as the interpreter would, and nothing that its importer has still to use."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import weakref
from contextlib import suppress
from typing import Any, NoReturn


def forget_inherited_exits() -> None:
    """After a fork: what was registered while the app was imported is run by the importer, once, at its end.

    The standard library's ``multiprocessing`` does the same (``BaseProcess._bootstrap``). A temporary
    directory that a module made when it was imported would else be removed by the first task that ends.
    """
    atexit._clear()
    finalize: Any = weakref.finalize
    for inherited in list(finalize._registry):
        inherited.atexit = False
    finalize._registered_with_atexit = False
    _forget_inherited_processes()


def _forget_inherited_processes() -> None:
    """Those that the app started while it was imported are the importer's; connections to them are made anew."""
    util, process = _of_multiprocessing("util"), _of_multiprocessing("process")
    if util is not None and process is not None:
        util._finalizer_registry.clear()
        process._children = set()
        util._run_after_forkers()


def _of_multiprocessing(name: str) -> Any:
    """A module of it; None where the app did not load it."""
    return sys.modules.get(f"multiprocessing.{name}")


def leave(code: int) -> NoReturn:
    """End the process as the interpreter does, but without unwinding into the importer's frames."""
    try:
        _shut_threads_down()
        atexit._run_exitfuncs()
        util = _of_multiprocessing("util")
        if util is not None:  # it ends pools, and removes what they left in /tmp and /dev/shm
            util._exit_function()
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
    finally:
        os._exit(code)


def _shut_threads_down() -> None:
    """Wake the idle threads of executors and join all that are not daemons, as ``multiprocessing`` does."""
    shutdown: Any = threading._shutdown  # type: ignore[attr-defined]
    shutdown()

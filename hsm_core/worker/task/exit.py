"""Ends a task's process as the interpreter would, and nothing that its importer has still to use."""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import sys
from contextlib import suppress
from types import ModuleType
from typing import NoReturn


def forget_inherited_exits() -> None:
    """Drops, after a fork, the exit functions registered during the import: the importer runs them, once, at its end.

    The standard library's ``multiprocessing`` does the same (``BaseProcess._bootstrap``). A temporary
    directory that a module made when it was imported would else be removed by the first task that ends.
    """
    atexit._clear()
    finalize = importlib.import_module("weakref").finalize
    for inherited in list(finalize._registry):
        inherited.atexit = False
    finalize._registered_with_atexit = False
    _forget_inherited_processes()


def _forget_inherited_processes() -> None:
    """Forgets processes that the app started during its import: they are the importer's."""
    util, process = _of_multiprocessing("util"), _of_multiprocessing("process")
    if util is not None and process is not None:
        util._finalizer_registry.clear()
        vars(process)["_children"] = set()
        util._run_after_forkers()


def _of_multiprocessing(name: str) -> ModuleType | None:
    """Returns a module of ``multiprocessing``; None if the app did not load it."""
    return sys.modules.get(f"multiprocessing.{name}")


def leave(code: int) -> NoReturn:
    """Ends the process as the interpreter does, but without unwinding into the importer's frames."""
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
    """Wakes the idle threads of executors and joins all threads that are not daemons, as ``multiprocessing`` does."""
    importlib.import_module("threading")._shutdown()

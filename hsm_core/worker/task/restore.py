"""Restores in a process, after a task has run in it, what the task changed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..os.processes import children, kill_children


@contextmanager
def undisturbed() -> Iterator[None]:
    """Restores output, environment and working directory, and ends processes that were started meanwhile."""
    outputs = [os.dup(number) for number in (1, 2)]
    environ, cwd, before = dict(os.environ), os.getcwd(), set(children())
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        for number, descriptor in zip((1, 2), outputs, strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)
        _restore_environ(environ)
        os.chdir(cwd)
        kill_children(before)


def _restore_environ(wanted: dict[str, str]) -> None:
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value

"""Pickles what belongs to an app: by name what the reader's main module has, too, and by value what has no name."""

from __future__ import annotations

import inspect
import io
import linecache
import os
import pickle
import sys
from collections.abc import Callable, Container
from types import CodeType
from typing import TYPE_CHECKING

import cloudpickle

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: What pickling raises for things that can't be pickled; their own methods add to it.
UNPICKLABLE = (TypeError, AttributeError, ValueError, RuntimeError, pickle.PicklingError)


def dumps(value: object, in_main: Container[str] = (), limit: int | None = None) -> bytes:
    """Pickles with cloudpickle, and keeps which file a function is from, which cloudpickle drops since 3.1.2.

    Source that lies in no file, as of a notebook's cell, goes along.

    Args:
        in_main: names that the reader's main module will have.
        limit: bytes; ValueError, if it would be more.

    Raises:
        TypeError, AttributeError, …: see ``UNPICKLABLE``.
        RecursionError: it is nested too deep.
    """
    stream = io.BytesIO() if limit is None else _Limited(limit)
    _Pickler(stream, in_main).dump(value)
    return stream.getvalue()


def can_be_pickled(value: object, in_main: Container[str] = (), limit: float = float("inf")) -> bool:
    """Returns whether pickling works and gives less than ``limit`` bytes."""
    try:
        return len(dumps(value, in_main)) < limit
    except (*UNPICKLABLE, RecursionError):
        return False


class _Limited(io.BytesIO):
    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def write(self, data: ReadableBuffer) -> int:
        if self.tell() + memoryview(data).nbytes > self._limit:
            raise ValueError(f"it is larger than {self._limit >> 20} MiB")
        return super().write(data)


class _Pickler(cloudpickle.CloudPickler):  # type: ignore[misc]
    def __init__(self, stream: io.BytesIO, in_main: Container[str]) -> None:
        super().__init__(stream)
        self._in_main = in_main

    def reducer_override(self, obj: object) -> object:
        if type(obj) is CodeType:
            make, arguments = self.dispatch_table[CodeType](obj)
            return _code, (obj.co_filename, _source(obj.co_filename), make, arguments)
        if (isinstance(obj, type) or inspect.isfunction(obj)) and self._has(obj):
            return NotImplemented  # by name, as pickle itself does
        return super().reducer_override(obj)

    def _has(self, obj: object) -> bool:
        if getattr(obj, "__module__", None) != "__main__":
            return False
        names = str(getattr(obj, "__qualname__", "")).split(".")
        found: object = sys.modules["__main__"]
        for name in names:
            found = getattr(found, name, None)
        return found is obj and names[0] in self._in_main


def _code(
    filename: str, source: list[str], make: Callable[..., CodeType], arguments: tuple[object, ...]
) -> CodeType:
    if source:
        linecache.cache.setdefault(filename, (sum(map(len, source)), None, source, filename))
    return make(*arguments).replace(co_filename=filename)


def _source(filename: str) -> list[str]:
    return [] if os.path.exists(filename) else linecache.getlines(filename)

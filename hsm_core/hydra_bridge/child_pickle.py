"""Pickles by value what can't be imported, so that tracebacks name its files and show its lines."""

from __future__ import annotations

import io
import linecache
import os
from collections.abc import Callable
from types import CodeType
from typing import Any

import cloudpickle


def dumps(value: object) -> bytes:
    """Pickle as cloudpickle does, which forgets (since 3.1.2) which file a function is from.

    Source that lies in no file, as of a notebook's cell, goes along.
    """
    stream = io.BytesIO()
    _Pickler(stream).dump(value)
    return stream.getvalue()


class _Pickler(cloudpickle.CloudPickler):  # type: ignore[misc]
    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is not CodeType:
            return super().reducer_override(obj)
        make, arguments = self.dispatch_table[CodeType](obj)
        return _code, (obj.co_filename, _source(obj.co_filename), make, arguments)


def _code(
    filename: str, source: list[str], make: Callable[..., CodeType], arguments: tuple[Any, ...]
) -> CodeType:
    if source:
        linecache.cache.setdefault(filename, (sum(map(len, source)), None, source, filename))
    return make(*arguments).replace(co_filename=filename)


def _source(filename: str) -> list[str]:
    return [] if os.path.exists(filename) else linecache.getlines(filename)

"""Tells which statements under the main file's guard set what tasks do not see."""

from __future__ import annotations

import argparse
import inspect
import logging
import re
import sys
import types
from collections import deque

from ...task.script_effects import Setting

#: Modules of which a change reaches the tasks, or is of no concern to them.
_TRAVELS = frozenset(
    {"dotenv", "hydra", "multiprocessing", "omegaconf", "os", "posix", "pwd", "resource", "time"}
)  # fmt: skip
#: Of these modules only that which fits does.
_PARTLY = {
    "sys": re.compile(
        r"sys\.(argv|path|set(recursionlimit|switchinterval|_int_max_str_digits)|dont_write_bytecode"
        r"|excepthook|std(out|err)\.)\b"
    ),
    "logging": re.compile(
        r"logging\.(basicConfig|disable|addLevelName|root|getLogger\(\)|getLogger\(.*\)\.(setLevel|propagate))"
    ),
}
#: What changes a logger's handlers, which no task has.
_OF_HANDLERS = re.compile(r"\.(add|remove)(Handler|Filter)\(")
_PLAIN = (str, bytes, int, float, complex, bool, type(None))
_CONTAINERS = (dict, list, tuple, set, frozenset, deque)


def changes_others(setting: Setting, value: object) -> bool:
    """Whether a statement changes a module or a logger, in a way that tasks do not see.

    Args:
        value: of the statement's first name; it may be a module, or a function of one.
    """
    if isinstance(value, logging.Logger):
        return value is not logging.root and _OF_HANDLERS.search(setting.text) is not None
    if not (isinstance(value, types.ModuleType) or inspect.isroutine(value)):
        return False
    top = _module_of(value).partition(".")[0]
    if top in _TRAVELS or top in ("", "__main__", "builtins"):
        return False
    if top in _PARTLY and _PARTLY[top].match(setting.text):
        return False
    return setting.is_lasting or top not in sys.stdlib_module_names


def _module_of(value: object) -> str:
    if isinstance(value, types.ModuleType):
        return value.__name__
    owner = getattr(value, "__self__", None)  # of a built-in method, as numpy.random.seed is
    return str(getattr(value, "__module__", None) or type(owner).__module__)


def is_plain(value: object, depth: int = 8) -> bool:
    """Whether a value consists of numbers, texts and collections of these: a copy of it is as good."""
    if isinstance(value, (argparse.Namespace, types.SimpleNamespace)):
        value = vars(value)
    if type(value) in _PLAIN:
        return True
    if type(value) not in _CONTAINERS or not depth:
        return False
    parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
    return all(is_plain(part, depth - 1) for part in parts)  # type: ignore[attr-defined]

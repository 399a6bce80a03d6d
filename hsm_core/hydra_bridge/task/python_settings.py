"""Brings along what statements of the main file set in Python itself: its limits, its loggers' levels."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass

#: Limits of ``sys``, by what follows ``get`` and ``set`` in the names of their functions.
_LIMITS = ("recursionlimit", "switchinterval", "_int_max_str_digits")
#: Levels that may have names.
_LEVELS = range(101)


@dataclass(frozen=True)
class PythonSettings:
    """Python's settings in one process, for another.

    Args:
        limits: of ``sys``, by their names.
        loggers: level and ``propagate`` of each logger that has its own.
        level_names: names of levels, as ``logging.addLevelName`` gives them.
        disabled: the level up to which ``logging.disable`` silences all loggers.
    """

    limits: Mapping[str, float]
    loggers: Mapping[str, tuple[int, bool]]
    level_names: Mapping[int, str]
    disabled: int

    @classmethod
    def of_process(cls) -> PythonSettings:
        """Returns those of this process."""
        loggers = logging.root.manager.loggerDict.items()
        return cls(
            {name: getattr(sys, f"get{name}")() for name in _LIMITS if hasattr(sys, f"get{name}")},
            {
                name: (one.level, one.propagate) for name, one in loggers
                if isinstance(one, logging.Logger) and (one.level or not one.propagate)
            },
            {level: logging.getLevelName(level) for level in _LEVELS},
            logging.root.manager.disable,
        )  # fmt: skip

    def restore(self) -> None:
        """Gives this process those settings."""
        for name, limit in self.limits.items():
            if hasattr(sys, f"set{name}"):
                getattr(sys, f"set{name}")(limit)
        for name, (level, propagate) in self.loggers.items():
            logger = logging.getLogger(name)
            logger.setLevel(level)
            logger.propagate = propagate
        for number, word in self.level_names.items():
            if logging.getLevelName(number) != word:
                logging.addLevelName(number, word)
        logging.disable(self.disabled)

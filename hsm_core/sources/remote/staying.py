"""Says which large files of tasks stay on their machine until somebody asks for them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from hsm_core import parsing
from hsm_core.hosts.interface import Found

_KEY = "staying"
_KINDS: parsing.Kinds = {"patterns": parsing.each(parsing.text), "most": parsing.maybe(parsing.whole)}


@dataclass(frozen=True)
class Staying:
    """The user's wish which files are not fetched.

    Args:
        patterns: of names, or with a ``/`` of paths in a task's directory; of a folder: all that is in it.
        most: bytes of a file that comes; None: any number.
    """

    patterns: tuple[str, ...] = ()
    most: int | None = None

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Staying:
        """Returns what a source's record says.

        Raises:
            ValueError: it can't be read.
        """
        found = parsing.table(parsing.loads(settings.get(_KEY, "{}").encode()))
        return cls(**parsing.fields(found, _KINDS))

    def settings(self) -> dict[str, str]:
        """Returns it as a source's record keeps it."""
        if self == Staying():
            return {}
        return {_KEY: json.dumps({"patterns": list(self.patterns), "most": self.most})}

    def holds(self, found: Found) -> bool:
        """Returns whether something in a task's directory stays there: only files do."""
        if found.kind != "file" or ".hsm" in found.name.parts:
            return False
        return (self.most is not None and found.size > self.most) or any(
            fnmatchcase(str(path) if "/" in pattern else path.name, pattern)
            for pattern in map(_plain, self.patterns) for path in _with_folders(found.name)
        )  # fmt: skip


def _plain(pattern: str) -> str:
    return pattern.removeprefix("./").rstrip("/") or pattern


def _with_folders(name: Path) -> Iterable[Path]:
    return (name, *(one for one in name.parents if one.parts))

"""Says where a host has the app's code, and folders of this machine that the app's config names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class CodeThere:
    """Holds what a host has of the app.

    Args:
        project: the folder of its code, as the user said it; empty: where ``path_map`` has it, or as it is here.
        path_map: folders here, and where they are there; the first that holds a path counts.
    """

    project: str = ""
    path_map: tuple[tuple[str, str], ...] = ()

    def folder(self, root: str) -> str:
        """Returns where the app's directory lies there."""
        return self.project or move(root, self.path_map)


def move(path: str, moved: _Pairs) -> str:
    """Returns where a path lies on a host; the same, if it is in none of the folders that moved."""
    for here, there in moved:
        if path == here or path.startswith(here.rstrip("/") + "/"):
            return (there.rstrip("/") + path[len(here.rstrip("/")) :]) or "/"
    return path
